import { Component, type ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { say } from './language.ts';
import { FailedView } from './parts/head.tsx';
import type { Route } from './route.ts';
import { findView, nameOf, type View } from './views.ts';
import { where } from './where.ts';

interface Shown {
  route: Route;
  ViewShown?: View;
  error?: unknown;
}

let shownBefore = false;

/** The view that the address names; the one before stays until it is there. */
export function Outlet() {
  const route = where.value;
  const [shown, setShown] = useState<Shown>();
  useEffect(() => {
    let isWanted = true;
    findView(route).then(
      (ViewShown) => isWanted && setShown({ route, ViewShown }),
      (error) => isWanted && setShown({ route, error }),
    );
    return () => {
      isWanted = false;
    };
  }, [route]);
  const focusedId = document.activeElement?.id;
  useLayoutEffect(() => {
    if (shown && shownBefore) moveFocus(focusedId);
    shownBefore ||= shown !== undefined;
  }, [shown]);
  if (!shown) return null;
  const { ViewShown, error } = shown;
  const { view, id = '', query } = shown.route;
  const title = say(`${nameOf(shown.route)}.title`);
  return (
    <div class={`view ${view}`} key={`${view}/${id}?${query}`}>
      {ViewShown ? (
        <Boundary title={title}>
          <ViewShown id={id} query={query} />
        </Boundary>
      ) : (
        <FailedView title={title} error={error} />
      )}
    </div>
  );
}

/** A mistake of one view leaves the frame around it, and with it the way to the others. */
class Boundary extends Component<{ title: string; children: ComponentChildren }, { error?: unknown }> {
  static override getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { title, children } = this.props;
    return 'error' in this.state ? <FailedView title={title} error={this.state.error} /> : children;
  }
}

/** To where it was, as after a search, else to the title, so that a screen reader announces the position. */
function moveFocus(focusedId: string | undefined): void {
  const main = document.getElementById('main');
  const before = focusedId ? main?.querySelector<HTMLElement>(`#${CSS.escape(focusedId)}`) : null;
  (before ?? main?.querySelector<HTMLElement>('h1'))?.focus({ preventScroll: Boolean(before) });
  if (!before) scrollTo(0, 0);
}
