import { type Way, ways } from '../history/operation.ts';
import type { Verdict } from '../verdict.ts';
import { describeGap, describeOutcome, describeRun, groupByKind, listFigures } from './describe.ts';

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { padding: .5rem 1rem; border-left: .5rem solid #1a7f37 } h1.violated { border-color: #c62828 }
table { border-collapse: collapse } th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left } dt { font-weight: 600 } li { overflow-wrap: anywhere }
svg { width: 100%; height: 3rem; background: #f4f4f4 } rect { fill: #2f6fb0 }
@media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #161616 } svg { background: #242424 } rect { fill: #7db3e8 } }`;

/** The verdict as one page that needs nothing else, no script either. */
export function formatHtml(verdict: Verdict): string {
  const { holds, target, startedAt, slowest, violations, allowed, notChecked } = verdict;
  const title = describeOutcome(verdict);
  const facts: [string, string][] = [
    ['started', startedAt],
    ...Object.entries(target).map(([name, address]): [string, string] => [name, String(address)]),
    ...listFigures(verdict),
    ...(slowest ? [['slowest', describeGap(slowest)] as [string, string]] : []),
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
<h1${holds ? '' : ' class="violated"'}>${escapeHtml(title)}</h1>
<p>${escapeHtml(describeRun(verdict))}</p>
${formatGroups('', violations)}
${formatGroups('Allowed: ', allowed)}
${notChecked.length > 0 ? `<h2>Not checked</h2>${formatList(notChecked)}` : ''}
<h2>Purchases</h2>
${formatWays(verdict)}
<h2>Accepted in each second</h2>
${listBought(verdict)
  .map((way) => formatSeries(verdict, way))
  .join('\n')}
<h2>Facts</h2>
<dl>${facts.map(([name, text]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd>`).join('')}</dl>
</html>
`;
}

const listBought = ({ ways: figures }: Pick<Verdict, 'ways'>) => ways.filter((way) => figures[way].sent > 0);

function formatWays({ ways: figures }: Verdict): string {
  const titles = ['', 'sent', 'ok', 'refused', 'unknown', 'repeats', 'lost answers'];
  const rows = listBought({ ways: figures }).map((way) => {
    const { sent, ok, refused, unknown, repeats, lostAnswers } = figures[way];
    const cells = [way, sent, ok, refused, unknown, repeats, lostAnswers];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<table><tr>${titles.map((each) => `<th>${each}</th>`).join('')}</tr>${rows.join('')}</table>`;
}

function formatGroups(prefix: string, violations: Verdict['violations']): string {
  return groupByKind(violations)
    .map(({ kind, meaning, count, shown }) => {
      const items = shown.map(({ subject, detail }) => `${subject}: ${detail}`);
      if (count > shown.length) items.push(`… and ${count - shown.length} more`);
      return `<h2>${prefix}${kind} (${count})</h2><p>${escapeHtml(meaning)}</p>${formatList(items)}`;
    })
    .join('\n');
}

function formatList(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
}

/** A bar for each second: an outage is a hole. */
function formatSeries({ series }: Verdict, way: Way): string {
  const highest = Math.max(1, ...series.map((second) => second[way]));
  const bars = series.map((second, x) => {
    const height = (100 * second[way]) / highest;
    return `<rect x="${x}" y="${100 - height}" width=".9" height="${height}"/>`;
  });
  const label = `${way}: at most ${highest} a second`;
  return `<figure><figcaption>${label}</figcaption>
<svg role="img" aria-label="${label}" viewBox="0 0 ${Math.max(1, series.length)} 100" preserveAspectRatio="none">${bars.join('')}</svg></figure>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
