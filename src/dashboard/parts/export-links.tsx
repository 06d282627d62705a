import { apiUrl, type Query } from '../api.ts';
import { say } from '../language.ts';

const formats = { csv: 'CSV', ndjson: 'NDJSON' } as const;

/** Downloads every row of a list, as its filters narrow it. The browser sends the session's cookie along. */
export function ExportLinks({ path, query = {} }: { path: string; query?: Query }) {
  const all = say('export.all');
  return (
    <p class="buttons exports">
      <span class="soft">{all}</span>
      {Object.entries(formats).map(([format, name]) => (
        <a
          key={format}
          class="button"
          href={apiUrl(path, { ...query, format })}
          aria-label={`${name}, ${all}`}
          download
        >
          {name}
        </a>
      ))}
    </p>
  );
}
