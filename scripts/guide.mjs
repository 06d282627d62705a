// Renders the operating documents as one page that Weir serves, for links from the operator page: the
// operator on call has no checkout.
import { basename } from 'node:path';
import { Marked } from 'marked';
import { gfmHeadingId } from 'marked-gfm-heading-id';

/** Below docs/, in this order. */
export const guidePages = [
  'runbooks/alerts.md',
  'runbooks/parked.md',
  'monitoring.md',
  'stores.md',
  'deploy.md',
];

/** @returns HTML that needs no script; `styles` is the folder of the page's style sheets */
export function renderGuide(pages, styles) {
  const marked = new Marked(gfmHeadingId(), {
    renderer: {
      // Links to other files of the repository are not served.
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        const [file, anchor] = href.split('#');
        const isServed = file === '' || guidePages.some((page) => page.endsWith(basename(file)));
        return isServed && anchor ? `<a href="#${anchor}">${text}</a>` : text;
      },
    },
  });
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Weir: guide</title>
  <link rel="icon" href="${styles}/icon.svg">
  <link rel="stylesheet" href="${styles}/base.css">
  <link rel="stylesheet" href="${styles}/guide.css">
</head>
<body>
  <p><a href="./">Weir</a></p>
  <main>
${marked.parse(pages.join('\n\n'))}
  </main>
</body>
</html>
`;
}
