// Starts the page, or says in plain words why it can't. Loaded by index.html; copied to pkg/.

/** Shows a message where the page would be. */
function tell(title, detail) {
  const place = document.getElementById('page');
  const main = document.createElement('main');
  main.className = 'waiting';
  const heading = document.createElement('h1');
  heading.textContent = 'Larder';
  const message = document.createElement('p');
  message.className = 'trouble';
  message.setAttribute('role', 'alert');
  message.textContent = title;
  const more = document.createElement('p');
  more.textContent = detail;
  main.append(heading, message, more);
  place.replaceChildren(main);
}

async function boot() {
  if (typeof WebAssembly !== 'object' || typeof WebAssembly.instantiate !== 'function') {
    tell(
      'This browser has no WebAssembly, so the engine cannot run.',
      'Some browsers switch it off in a lockdown or high-security mode: allow it for this page and load it again.',
    );
    return;
  }
  try {
    const { default: init, start } = await import('./larder_web.js');
    await init({ module_or_path: new URL('./larder_web_bg.wasm', import.meta.url) });
    // SQLite weighs more than all the rest: it is fetched when its console is first used.
    const openDatabase = async () => (await import('./database.js')).openDatabase();
    globalThis.larder = start(document.getElementById('page'), openDatabase);
  } catch (error) {
    console.error(error);
    tell('The engine could not be loaded.', String(error?.message ?? error));
  }
}

// What breaks later must not leave a picture that stands still without a word.
addEventListener('error', (event) => {
  if (event.error instanceof WebAssembly.RuntimeError) {
    tell('The engine has stopped: this is a defect in Larder.', `Reload the page to go on. ${event.message}`);
  }
});

await boot();
