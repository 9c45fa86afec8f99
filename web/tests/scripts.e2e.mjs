// The text scripts in the page's own engine, in Chromium.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { EPOCH_MS, differences, names, play, steps } from './_scripts.mjs';
import { launch, open, serve } from './_site.mjs';

let site;
let browser;
let page;

before(async () => {
  site = await serve();
  browser = await launch();
  ({ page } = await open(browser, site.url));
});

after(async () => {
  await browser?.close();
  await site?.close();
});

for (const name of names) {
  test(`${name}.script`, async () => {
    const script = steps(name);
    const heard = await page.evaluate(play, { steps: script, start: EPOCH_MS });
    assert.deepEqual(differences(script, heard), []);
  });
}
