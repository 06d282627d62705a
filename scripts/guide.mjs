// docs/operating.md as a page that Weir serves, for the links of the operator page: the person on call has no checkout.
import { Marked } from 'marked';
import { gfmHeadingId } from 'marked-gfm-heading-id';

/** @returns HTML that needs no script; `styles` is where the page's style sheets lie */
export function renderGuide(markdown, styles) {
  const marked = new Marked(gfmHeadingId(), {
    renderer: {
      // What lies elsewhere in the repository is not served.
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        return href.startsWith('#') ? `<a href="${href}">${text}</a>` : text;
      },
    },
  });
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Weir: operating</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="${styles}/base.css">
  <link rel="stylesheet" href="${styles}/guide.css">
</head>
<body>
  <p><a href="./">Weir</a></p>
  <main>
${marked.parse(markdown)}
  </main>
</body>
</html>
`;
}
