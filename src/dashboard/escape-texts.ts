import { options, type VNode } from 'preact';
import { showControlCharacters } from '../lib/show-control-characters.ts';

/** Attributes that a reader sees or hears. Others, such as `value` and `href`, go back to the server and stay exact. */
const readAttributes = ['title', 'aria-label', 'placeholder', 'label', 'alt'];

/**
 * From here on every text and read attribute that Preact renders shows control characters as escapes: an override of the direction
 * or a character without width could make one name look like another. Markup is no danger: Preact makes text nodes.
 */
export function escapeTexts(): void {
  const next = options.vnode;
  options.vnode = (vnode: VNode) => {
    const node = vnode as { type: unknown; props: unknown };
    // Preact keeps a text node's text in the place of its properties.
    if (typeof node.props === 'string') node.props = showControlCharacters(node.props);
    else if (typeof node.type === 'string') escapeAttributes(node.props as Record<string, unknown>);
    next?.(vnode);
  };
}

function escapeAttributes(props: Record<string, unknown>): void {
  for (const name of readAttributes) {
    const value = props[name];
    if (typeof value === 'string') props[name] = showControlCharacters(value);
  }
}
