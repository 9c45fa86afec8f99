//! The playground's page.
//!
//! One reducer (`model`) holds what is shown, `engine` holds the run, `lab` takes a visitor's
//! actions to both; the rest are thin components. What moves is drawn by `scene` in the frame loop
//! of `frame`, outside the virtual DOM.

mod app;
mod console;
mod controls;
mod engine;
mod figures;
mod frame;
mod handle;
mod journal;
mod lab;
mod marks;
mod model;
mod scene_view;
mod sql;
mod strip;
mod terminal;

use engine::Engine;
use handle::Handle;
use js_sys::Function;
use lab::Lab;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::Element;

/// Starts the playground inside an element, in place of what is there.
///
/// `open_database` fetches SQLite when its console is first used, and gives a promise of it. What
/// comes back reports the engine's own state, for tests.
#[wasm_bindgen]
pub fn start(
    root: Element,
    #[wasm_bindgen(unchecked_param_type = "() => Promise<object>")] open_database: Function,
) -> Handle {
    let engine = Rc::new(RefCell::new(Engine::new(engine::SEED)));
    let lab = Lab { engine: Rc::clone(&engine), sql: sql::Console::new(open_database) };
    root.set_inner_html("");
    yew::Renderer::<app::App>::with_root_and_props(root, app::Props { lab }).render();
    Handle::new(engine)
}
