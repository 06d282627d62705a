import { formatTime, fromLocalInput, toLocalInput } from '../format.ts';
import { say, sayCode } from '../language.ts';
import { parseTime, writeRoute } from '../route.ts';
import { goTo } from '../where.ts';
import { Field, Select } from './field.tsx';
import { Id } from './id.tsx';

export interface Filter {
  name: string;
  label: string;
  /** `code`: capitals and underscores, however they are typed. */
  kind?: 'search' | 'id' | 'code' | 'time';
  /** Codes to choose from, and where their words are; the first one is chosen where the address names none. */
  options?: { words: string; codes: readonly string[]; first?: string };
  maxLength?: number;
}

export type Chosen = Record<string, string | undefined>;

/** What the address narrows a list to; the API judges whether it makes sense. */
export function readFilters(filters: readonly Filter[], query: URLSearchParams): Chosen {
  return Object.fromEntries(filters.map(({ name }) => [name, query.get(name) ?? undefined]));
}

interface FiltersProps {
  view: string;
  filters: readonly Filter[];
  query: URLSearchParams;
}

/** What a list is narrowed to stands in the address, so it can be linked and gone back to; each as a chip that takes it away. */
export function Filters({ view, filters, query }: FiltersProps) {
  const chosen = readFilters(filters, query);
  const submit = (event: Event) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const read = ({ name, kind }: Filter) => {
      const text = String(data.get(name) ?? '').trim();
      if (kind === 'code') return text.toUpperCase().replaceAll(' ', '_');
      // In UTC: the link may be opened in another time zone.
      return kind === 'time' ? fromLocalInput(text)?.toISOString() : text;
    };
    goTo(view, undefined, Object.fromEntries(filters.map((filter) => [filter.name, read(filter)])));
  };
  const active = filters.filter(({ name }) => chosen[name]);
  return (
    <>
      <search>
        <form class="filter" onSubmit={submit}>
          {filters.map((filter) => (
            <FilterField key={filter.name} filter={filter} value={chosen[filter.name] ?? ''} />
          ))}
          <p class="buttons">
            <button type="submit" class="primary" id="search">
              {say('action.search')}
            </button>
          </p>
        </form>
      </search>
      {active.length > 0 && (
        <ul class="chips" aria-label={say('filter.active')}>
          {active.map((filter) => (
            <li key={filter.name}>
              <a
                href={writeRoute(view, undefined, { ...chosen, [filter.name]: undefined })}
                title={say('filter.remove')}
              >
                {filter.label}: <Id text={showValue(filter, chosen[filter.name] ?? '')} /> ✕
              </a>
            </li>
          ))}
          <li>
            <a href={writeRoute(view)} id="clear">
              {say('action.clear')}
            </a>
          </li>
        </ul>
      )}
    </>
  );
}

function showValue({ kind, options }: Filter, value: string): string {
  if (options) return sayCode(options.words, value);
  const at = kind === 'time' ? parseTime(value) : undefined;
  return at ? formatTime(at) : value;
}

function FilterField({ filter, value }: { filter: Filter; value: string }) {
  const { name, label, kind, options, maxLength } = filter;
  if (options) {
    const { words, codes, first } = options;
    const any = ['', first ? sayCode(words, first) : say('filter.any')] as const;
    const all = [
      any,
      ...codes.filter((code) => code !== first).map((code) => [code, sayCode(words, code)] as const),
    ];
    return (
      <Field label={label}>
        <Select name={name} options={all} chosen={value} />
      </Field>
    );
  }
  const asId = { inputMode: 'numeric', class: 'short' } as const;
  return (
    <div class={kind === 'search' ? 'search' : 'field'}>
      <Field label={label}>
        {kind === 'time' ? (
          <input name={name} type="datetime-local" defaultValue={toLocalInput(parseTime(value))} />
        ) : (
          <input
            name={name}
            type={kind === 'search' ? 'search' : 'text'}
            defaultValue={value}
            maxLength={maxLength ?? 64}
            autocomplete="off"
            spellcheck={false}
            {...(kind === 'id' ? asId : {})}
          />
        )}
      </Field>
    </div>
  );
}
