/** `#/instances/42?status=FAILED` → view `instances`, id `42`, query. */
export interface Route {
  view: string;
  id: string | undefined;
  query: URLSearchParams;
}

export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view = '', ...rest] = path.split('/');
  const id = decode(rest.join('/'));
  return {
    view: view === '' ? 'now' : view,
    id: id === '' ? undefined : id,
    query: new URLSearchParams(query),
  };
}

export function writeRoute(
  view: string,
  id?: string,
  query: Record<string, string | undefined> = {},
): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const search = new URLSearchParams(given).toString();
  const path = id === undefined ? view : `${view}/${id.split('/').map(encodeURIComponent).join('/')}`;
  return `#/${path}${search === '' ? '' : `?${search}`}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A time of an address. A browser would read a date out of any text that has a digit in it. */
export function parseTime(text: string): Date | undefined {
  const at = new Date(/^\d{4}-\d{2}-\d{2}(T|$)/.test(text) ? text : '');
  return Number.isNaN(at.getTime()) ? undefined : at;
}
