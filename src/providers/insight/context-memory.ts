// Ollama and LM Studio say how large a model's context is only while it is loaded. What was said last is kept: else a
// conversation's window would change whenever the model has been idle for some minutes.
import { MAX_LISTED_MODELS } from '../../domain/limits.ts';

/** Takes the contexts of the loaded models, gives those of all models that were ever seen loaded. */
export type RememberContexts = (loaded: ReadonlyMap<string, number>) => ReadonlyMap<string, number>;

export function rememberContexts(): RememberContexts {
  const known = new Map<string, number>();
  return (loaded) => {
    for (const [model, tokens] of loaded) {
      known.delete(model);
      known.set(model, tokens);
    }
    for (const oldest of [...known.keys()].slice(0, -MAX_LISTED_MODELS)) known.delete(oldest);
    return new Map(known);
  };
}
