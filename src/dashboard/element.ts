import { showControlCharacters } from '../lib/show-control-characters.ts';

type Value = string | number | boolean | undefined | ((event: Event) => void);
export type Child = Node | string | undefined | false;

/**
 * An element with its attributes, listeners (`onclick`) and children. Whatever comes from outside ends in a text node or an
 * attribute's value, never in markup, and its control characters are shown as escapes: an override of the direction or a
 * character without width could make one name look like another. Every text of the page passes here or through setText.
 */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...present(children, tag === 'pre'));
  return element;
}

const svgSpace = 'http://www.w3.org/2000/svg';

export function makeSvg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, Value> = {},
  ...children: Child[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS(svgSpace, tag);
  setAttributes(element, attributes);
  element.append(...present(children));
  return element;
}

/** Writes only what is new, so that a selection in the text and a screen reader are left in peace. */
export function setText(element: Element, text: string): void {
  const shown = showControlCharacters(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/** Attributes that a reader sees or hears. Others, such as `value` and `href`, go back to the server and stay exact. */
const readAttributes = new Set(['title', 'aria-label', 'placeholder', 'label', 'alt']);

export function setAttributes(element: Element, attributes: Record<string, Value>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice('on'.length), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== undefined && value !== false) {
      const text = String(value);
      element.setAttribute(name, readAttributes.has(name) ? showControlCharacters(text) : text);
    }
  }
}

function present(children: readonly Child[], keepLines = false): (Node | string)[] {
  return children
    .filter((child) => child !== undefined && child !== false)
    .map((child) => (typeof child === 'string' ? showControlCharacters(child, { keepLines }) : child));
}
