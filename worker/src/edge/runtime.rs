//! What the runtime offers and workers-rs does not.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// A Durable Object's storage.
    pub(super) type Storage;

    /// Runs `body`; when it throws, everything that it wrote is undone.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    pub(super) fn transaction_sync(
        this: &Storage,
        body: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<(), JsValue>;

    /// Fills `bytes` with randomness that nobody can foresee.
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    pub(super) fn get_random_values(bytes: &mut [u8]);
}
