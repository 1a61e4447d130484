// The routes, in order: what each path answers, and who may ask. A path that is not listed is `route_not_found`; a
// method that a path does not have is `method_not_allowed`.
import { Hono, type Handler } from 'hono';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { GatewayError } from '../domain/errors.ts';
import type { Health } from '../routing/health.ts';
import type { Router } from '../routing/router.ts';
import type { Turns } from '../chat/turns.ts';
import { chatCompletions, type ChatCompletionsDeps } from './v1/chat-completions.ts';
import { getInfo, getModel, listModels, type ModelsDeps } from './v1/models.ts';
import { conversationRoutes, type ConversationRoutesDeps } from './c1/conversations.ts';
import { branchRoutes, type BranchRoutesDeps } from './c1/branches.ts';
import { postChat, type PostChatDeps } from './c1/chat.ts';
import { turnRoutes, type TurnRoutesDeps } from './c1/turns.ts';
import { dashboardData, type DashboardDataDeps } from './site/dashboard-data.ts';
import { metrics, type MetricsDeps } from './site/metrics.ts';
import { openApiJson, type OpenApiDeps } from './site/openapi-json.ts';
import { sitePage, wantsHtml, type PageDeps } from './site/pages.ts';
import { healthz, listErrors, readyz, type StatusDeps } from './site/status.ts';
import type { Admission } from './admission.ts';
import type { Exchange, HttpEnv } from './exchange.ts';
import type { ServedRoute } from './openapi/document.ts';
import { asResponse, replyOf } from './web-reply.ts';
import type { Reply } from './wire/reply.ts';

export interface AppDeps
  extends
    ChatCompletionsDeps,
    ModelsDeps,
    StatusDeps,
    PostChatDeps,
    ConversationRoutesDeps,
    BranchRoutesDeps,
    TurnRoutesDeps,
    MetricsDeps,
    OpenApiDeps,
    PageDeps,
    DashboardDataDeps {
  readonly health: Health;
  readonly router: Router;
  readonly turns: Turns;
  /** Knows who asks and what they may still ask, or throws: see http/gates. */
  identify(exchange: Exchange): void;
  readonly admission: Pick<Admission, 'admit'>;
  /** Whether a `local` route needs no token here. */
  isOpenTo(exchange: Exchange): boolean;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
/**
 * `local`: like `public` or `token`, by a setting; unless it says otherwise, public to this machine only. `browser`:
 * like `token`, but a browser, which cannot send one, gets the page that asks for it. `relief`: like `token`, and let in
 * however much there is to do: it ends work, or shows how much there is.
 */
type Access = 'public' | 'token' | 'local' | 'browser' | 'relief';
type Route = readonly [Access, Method, string, Handler<HttpEnv>];

/** What answers an exchange without the router; the table below has these routes, too, since tests read it there. */
type Direct = Readonly<Record<string, (exchange: Exchange) => Promise<Reply>>>;

function routes(deps: AppDeps, direct: Direct): Route[] {
  const conversations = conversationRoutes(deps);
  const branches = branchRoutes(deps);
  const turns = turnRoutes(deps);
  const page = sitePage(deps);
  const table: Route[] = [
    ['token', 'POST', '/v1/chat/completions', carried(direct)],
    ['token', 'GET', '/v1/models', listModels(deps)],
    ['token', 'GET', '/v1/models/:id{.+}', getModel(deps)],
    ['token', 'GET', '/v1/info', getInfo(deps)],

    ['token', 'POST', '/c1/chat', carried(direct)],
    ['token', 'GET', '/c1/conversations', conversations.list],
    ['token', 'GET', '/c1/conversations/:id', conversations.read],
    ['token', 'PATCH', '/c1/conversations/:id', conversations.change],
    ['token', 'DELETE', '/c1/conversations/:id', conversations.remove],
    ['token', 'POST', '/c1/conversations/:id/fork', branches.fork],
    ['token', 'GET', '/c1/conversations/:id/export', branches.exportLines],
    ['token', 'POST', '/c1/import', branches.importLines],
    ['token', 'GET', '/c1/turns/:id', turns.read],
    ['token', 'GET', '/c1/turns/:id/events', turns.events],
    ['relief', 'POST', '/c1/turns/:id/cancel', turns.cancel],

    ['public', 'GET', '/healthz', healthz],
    ['public', 'GET', '/readyz', readyz(deps)],
    ['public', 'GET', '/errors', listErrors],
    ['local', 'GET', '/metrics', metrics(deps)],
    ['public', 'GET', '/openapi.json', openApiJson(deps, () => table.map(servedRoute))],

    ['browser', 'GET', '/dashboard', page],
    ['relief', 'GET', '/dashboard/data', dashboardData(deps)],

    ['public', 'GET', '/', page],
    ['public', 'GET', '/docs', page],
    ['public', 'GET', '/playground', page],
    ['public', 'GET', '/docs/:page{.+}', page],
    ['public', 'GET', '/openapi', page],
    ['public', 'GET', '/redoc', page],
    ['public', 'GET', '/assets/:file', page],
  ];
  return table;
}

function servedRoute([access, method, path]: Route): ServedRoute {
  return { access, method, path };
}

/** Public by contract with all that is below them: what is not there is told to strangers, too. */
const PUBLIC_PATHS = /^\/(?:$|docs(?:\/|$)|assets(?:\/|$)|playground(?:\/|$))/;

export interface App {
  /** Throws, or rejects, with what the handler throws. */
  answer(exchange: Exchange): Promise<Reply>;
}

export function createApp(deps: AppDeps): App {
  const app = new Hono<HttpEnv>({ router: new RegExpRouter() });
  // The paths that nearly all requests have.
  const direct: Direct = {
    '/v1/chat/completions': chatCompletions(deps),
    '/c1/chat': postChat(deps),
  };
  const table = routes(deps, direct);
  // Which methods a path has, looked up only when its method is not among them.
  const methods = new RegExpRouter<Route>();

  const needsToken = (access: Access, exchange: Exchange): boolean => {
    if (access === 'local') return !deps.isOpenTo(exchange);
    if (access === 'browser') return !wantsHtml(exchange.request.headers);
    return access !== 'public';
  };
  const enter = (exchange: Exchange, access: Access, path: string): void => {
    exchange.record.route = path;
    if (needsToken(access, exchange)) deps.identify(exchange);
    if (access === 'token') deps.admission.admit(exchange);
  };
  for (const route of table) {
    const [access, method, path, handle] = route;
    app.on(method, path, (context, next) => {
      enter(context.env.exchange, access, path);
      return handle(context, next);
    });
    methods.add('ALL', path, route);
  }
  app.notFound((context) => {
    const { path } = context.req;
    // People end an address with a slash. Only what is on the site's list is led on to.
    const page = path.replace(/\/$/, '');
    if (page !== path && deps.site.files.has(page)) return context.redirect(page, 308);
    const served = methods.match('ALL', path)[0].map(([route]) => route);
    const isPublic = served.some(([access]) => access === 'public') || PUBLIC_PATHS.test(path);
    if (!isPublic) deps.identify(context.env.exchange);
    if (served.length > 0) throw methodNotAllowed(served.map(([, method]) => method));
    throw new GatewayError('route_not_found', {
      message: `Nothing is served at ${path.slice(0, 200)}. Check the path; the README lists the routes.`,
    });
  });
  app.onError((error) => {
    throw error;
  });
  const routed = async (exchange: Exchange): Promise<Reply> =>
    await replyOf(await app.fetch(exchange.request.toRequest(), { exchange }));
  return {
    answer(exchange) {
      const { path, method } = exchange.record;
      const answer = method === 'POST' && Object.hasOwn(direct, path) ? direct[path] : undefined;
      if (!answer) return routed(exchange);
      // As the route in the table is served, without what Hono makes for each request.
      enter(exchange, 'token', path);
      return answer(exchange);
    },
  };
}

/** The same for the router, which finds it where the path is written in another way. */
function carried(direct: Direct): Handler<HttpEnv> {
  return async ({ env: { exchange }, req }) => {
    const answer = direct[req.path];
    if (!answer) throw new TypeError(`nothing answers ${req.path}`);
    return asResponse(await answer(exchange));
  };
}

function methodNotAllowed(methods: readonly Method[]): GatewayError {
  const allow = methods
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ');
  return new GatewayError('method_not_allowed', {
    message: `This path takes ${allow} only. Use one of these methods.`,
    headers: { allow },
  });
}
