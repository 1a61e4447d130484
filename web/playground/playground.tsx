// The playground: mounts the program into its page.
import { render } from 'preact';
import { SignIn } from '../shell/sign-in.tsx';
import { forgetToken, keptToken } from '../shell/token.ts';

if (keptToken() === '') forgetToken();

const root = document.querySelector('#playground');
if (!root) throw new Error('no #playground on this page');
root.replaceChildren();
render(
  <main id="content">
    <SignIn title="Sign in to the playground" onSignedIn={() => location.reload()} />
  </main>,
  root,
);
