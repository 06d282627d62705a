import { render } from 'preact';
import { escapeTexts } from './escape-texts.ts';
import { say } from './language.ts';
import { Outlet } from './outlet.tsx';
import { Palette } from './palette.tsx';
import { Dialog } from './parts/dialog.tsx';
import { Failure } from './parts/notice.tsx';
import { session } from './session.ts';
import { Header, Navigation } from './shell.tsx';
import { start, startFailure } from './start.ts';
import { Login } from './views/login.tsx';

function App() {
  // The address names the view: the link must not change it.
  const skip = (event: Event) => {
    event.preventDefault();
    document.getElementById('main')?.focus();
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: a link for a reader, though the address stays */}
      <a class="skip" href="#main" onClick={skip}>
        {say('shell.skip')}
      </a>
      <Header />
      <Navigation />
      <main id="main" tabIndex={-1}>
        {session.value === null ? (
          <Login />
        ) : (
          <>
            {startFailure.value !== undefined && <Failure error={startFailure.value} />}
            <Outlet />
          </>
        )}
      </main>
      <Palette />
      <Dialog />
    </>
  );
}

escapeTexts();
start();
render(<App />, document.body);
