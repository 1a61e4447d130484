// `/openapi`: Swagger UI over the gateway's own document. The token that is typed in here stays in the tab; everything
// that is asked for is asked of this host.
import { complaintAbout, forgetToken, keepToken, keptToken } from '../shell/token.ts';

const SCHEME = 'bearer';

const form = element('token-form', HTMLFormElement);
const field = element('token', HTMLInputElement);
const says = element('token-says', HTMLElement);

/** The names of routes stand in buttons, where a link may not be. */
const namesWithoutLinks = ({ React }: SwaggerSystem) => ({
  components: { DeepLink: ({ text }: { text: string }) => React.createElement('span', null, text) },
});

await loaded('/assets/swagger-ui-5.35.0.js');
const ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#console',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  defaultModelRendering: 'example',
  displayRequestDuration: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  // No badge of a validator elsewhere.
  validatorUrl: null,
  syntaxHighlight: { theme: 'nord' },
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [namesWithoutLinks],
  onComplete() {
    const token = keptToken();
    if (token !== null) use(token);
  },
});

/** A script that is no module. */
async function loaded(src: string): Promise<void> {
  const script = document.createElement('script');
  const done = new Promise((resolve, reject) => {
    script.addEventListener('load', resolve);
    script.addEventListener('error', () => reject(new Error(`${src} could not be loaded`)));
  });
  script.src = src;
  document.head.append(script);
  await done;
}

function use(token: string): void {
  ui.preauthorizeApiKey(SCHEME, token);
  field.value = token;
  tell('Requests carry this token.', 'ok');
}

function tell(text: string, kind: 'ok' | 'danger' | ''): void {
  says.textContent = text;
  says.className = `token-says ${kind}`;
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void take(field.value.trim());
});

async function take(token: string): Promise<void> {
  if (token === '') {
    forgetToken();
    ui.authActions.logout([SCHEME]);
    tell('Requests carry no token.', '');
    return;
  }
  const complaint = await complaintAbout(token);
  if (complaint !== null) {
    tell(complaint, 'danger');
    return;
  }
  keepToken(token);
  use(token);
}

/** Swagger UI gives some of its controls no names, and lets code scroll that no key can reach. */
const NAMES: Readonly<Record<string, string>> = {
  '.examples-select-element': 'Example',
  '.body-param__text': 'Body of the request',
  '.content-type': 'Media type',
};

function nameControls(): void {
  for (const [selector, name] of Object.entries(NAMES))
    for (const control of document.querySelectorAll(`#console ${selector}:not([aria-label])`))
      control.setAttribute('aria-label', name);
  for (const code of document.querySelectorAll<HTMLElement>('#console pre:not([tabindex])'))
    code.tabIndex = 0;
}

new MutationObserver(nameControls).observe(element('console', HTMLElement), {
  childList: true,
  subtree: true,
});

/** Swagger UI's own dark style goes by a class of the page. */
function followTheme(): void {
  const { classList, dataset } = document.documentElement;
  classList.toggle('dark-mode', dataset['theme'] === 'dark');
}

followTheme();
new MutationObserver(followTheme).observe(document.documentElement, {
  attributeFilter: ['data-theme'],
});

function element<T extends HTMLElement>(id: string, kind: { new (): T }): T {
  const found = document.querySelector(`#${id}`);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}
