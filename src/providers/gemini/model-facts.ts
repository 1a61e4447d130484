// What follows from a model's name. The API does not say it, and answers a setting that a model lacks with an error.

export interface ModelFacts {
  /** 2.5, 3.1, …; Infinity for a name without a number (`gemini-pro-latest`), 0 for what is no Gemini (Gemma, tuned). */
  readonly generation: number;
  /** The larger models think always, and not less than a little. */
  readonly isPro: boolean;
  /** Whether it draws: `gemini-2.5-flash-image`, `nano-banana-pro`. */
  readonly draws: boolean;
}

export function modelFacts(model: string): ModelFacts {
  const [, number] = /gemini-(?:[a-z]+-)*(\d+(?:\.\d+)?)/i.exec(model) ?? [];
  const isGemini = /gemini|banana/i.test(model) && !model.startsWith('tunedModels/');
  return {
    generation: isGemini ? Number(number ?? Infinity) : 0,
    isPro: /\bpro\b/i.test(model),
    draws: isGemini && /image|banana/i.test(model),
  };
}

/** Whether function calls need their thought signatures and ids, and thinking has levels. */
export function isThirdGeneration({ generation }: ModelFacts): boolean {
  return generation >= 3;
}

/** The path of a model's method; names may bring their collection with them. */
export function methodPath(model: string, stream: boolean): string {
  const name = model.includes('/') ? model : `models/${model}`;
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `/${path}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`;
}
