// The example on the first page: for the host that it was loaded from, to be copied.
import { watchCode } from '../code/code-blocks.ts';

for (const code of document.querySelectorAll('.try code')) {
  const texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { currentNode: node } = texts;
    node.nodeValue = (node.nodeValue ?? '').replace('http://127.0.0.1:3000', location.origin);
  }
}
watchCode();
