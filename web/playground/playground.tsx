// The playground: mounts the program into its page.
import { render } from 'preact';
import { begin, keepWhatIsChosen } from './state/session.ts';
import { token } from './state/state.ts';
import { App } from './view/app.tsx';

const root = document.querySelector('#playground');
if (!root) throw new Error('no #playground on this page');
root.replaceChildren();
keepWhatIsChosen();
if (token.value !== null) void begin();
render(<App />, root);
