// What console.ts uses of Swagger UI, which comes without types and makes itself a global.

/** What a plugin is given. */
interface SwaggerSystem {
  readonly React: {
    createElement(kind: string, properties: null, ...children: string[]): unknown;
  };
}

interface SwaggerUi {
  /** Sets the token of a security scheme, as its dialog does. */
  preauthorizeApiKey(scheme: string, token: string): unknown;
  readonly authActions: { logout(schemes: readonly string[]): unknown };
}

interface SwaggerUiBundle {
  (options: Readonly<Record<string, unknown>>): SwaggerUi;
  readonly presets: { readonly apis: unknown };
}

declare var SwaggerUIBundle: SwaggerUiBundle;
