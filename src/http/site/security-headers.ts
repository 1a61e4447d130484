// The headers that keep a page to itself: it loads nothing from other hosts, runs no script but ours, and nobody
// frames it. As HTTP headers and not in the page, so that no page can forget them.

const COMMON = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const OWN = "script-src 'self'; connect-src 'self'; font-src 'self'; manifest-src 'self'";

/** DOMPurify's own policy is the only one: what it has cleaned may become HTML, and nothing else. */
const TRUSTED = "require-trusted-types-for 'script'; trusted-types dompurify";

const POLICIES = {
  /** Answers of models are shown here: nothing reaches the DOM as HTML but by a policy of ours. */
  strict: `${COMMON}; ${OWN}; style-src 'self'; img-src 'self' data: blob:; ${TRUSTED}`,
  /** The API references write their styles into the page and build HTML of our own document. */
  reference: `${COMMON}; ${OWN}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:`,
};

export function securityHeaders(policy: keyof typeof POLICIES): Record<string, string> {
  return {
    'content-security-policy': POLICIES[policy],
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  };
}
