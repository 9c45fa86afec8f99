//! The drawing: a canvas with a clock of its own, outside the virtual DOM.
//!
//! [`Scene::take`] is told each event of the simulation, [`Scene::draw`] is called for each frame.
//! What must never be here: the simulation itself, controls, and a decision about what happened.

pub(crate) mod draw;
mod keys;
mod layout;
mod marks;
mod path;
mod pen;
mod theme;
mod trips;

use crate::text::number;
use keys::Rings;
use larder_sim::{DatabaseLoad, Event, EventKind};
use layout::{Layout, MAX_CELLS};
use path::Point;
use theme::Theme;
use trips::Trips;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// What the drawing shows beside what it was told by events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    /// The simulation's clock.
    pub(crate) now_us: u64,
    /// The application uses the cache.
    pub(crate) cache_on: bool,
    /// The cache node is there.
    pub(crate) cache_up: bool,
    /// Keys in the cache, and the bytes accounted for them.
    pub(crate) keys: usize,
    pub(crate) bytes: u64,
    /// Keys that no ring stands for.
    pub(crate) others: Vec<String>,
    /// Products whose key holds something else than the database.
    pub(crate) differing: Vec<u32>,
    /// How long the last users waited, in milliseconds, who were served from the cache and who
    /// were served from the database.
    pub(crate) hit_ms: Option<f64>,
    pub(crate) miss_ms: Option<f64>,
    pub(crate) database_reads_per_s: f64,
    pub(crate) load: Option<DatabaseLoad>,
    /// The product that the buttons act on.
    pub(crate) chosen: u32,
}

/// The drawing.
#[derive(Debug)]
pub(crate) struct Scene {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    theme: Theme,
    layout: Layout,
    apps: usize,
    /// The product that each ring stands for.
    cells: Vec<u32>,
    rings: Rings,
    trips: Trips,
    /// Milliseconds of watching, which run slower and faster with the simulation's speed.
    clock: f64,
    /// Nothing travels: the visitor asked for less motion.
    calm: bool,
}

impl Scene {
    /// A drawing on a canvas; `None` when the browser gives no 2D context.
    pub(crate) fn new(canvas: HtmlCanvasElement, apps: usize, products: &[u32]) -> Option<Scene> {
        let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        let mut scene = Scene {
            canvas,
            context,
            theme: Theme::default(),
            layout: Layout::default(),
            apps,
            cells: Vec::new(),
            rings: Rings::default(),
            trips: Trips::default(),
            clock: 0.0,
            calm: false,
        };
        scene.set_products(products);
        Some(scene)
    }

    /// Gives each product a ring, as far as there is room.
    pub(crate) fn set_products(&mut self, products: &[u32]) {
        let cells = &products[..products.len().min(MAX_CELLS)];
        if cells != self.cells {
            self.cells = cells.to_vec();
            self.rings.set_products(&self.cells);
            self.resize();
        }
    }

    /// Reads the colours anew: the theme has changed.
    pub(crate) fn restyle(&mut self, calm: bool) {
        self.calm = calm;
        if let Some(theme) = web_sys::window().as_ref().and_then(Theme::read) {
            self.theme = theme;
        }
    }

    /// Fits the drawing to the canvas, and the canvas to the page.
    pub(crate) fn resize(&mut self) {
        let Some(parent) = self.canvas.parent_element() else { return };
        let width = f64::from(parent.client_width()).max(280.0);
        let height = layout::height_for(width, self.cells.len());
        let ratio = web_sys::window().map_or(1.0, |w| w.device_pixel_ratio()).clamp(1.0, 3.0);
        let style = self.canvas.style();
        let _ = style.set_property("height", &format!("{}px", number(height)));
        self.canvas.set_width((width * ratio) as u32);
        self.canvas.set_height((height * ratio) as u32);
        let _ = self.context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        self.layout = Layout::new(width, height, self.apps, self.cells.len());
    }

    /// Takes an event in, to be seen in its turn.
    pub(crate) fn take(&mut self, event: &Event) {
        let seen_at = self.trips.take(&event.kind, self.clock, &self.cells);
        let seen_at = if self.calm { self.clock } else { seen_at };
        self.rings.take(&event.kind, event.at_us, seen_at);
        if matches!(event.kind, EventKind::CacheDown) {
            self.trips = Trips::default();
        }
    }

    /// Lets `ms` milliseconds of watching go by.
    pub(crate) fn pass(&mut self, ms: f64) {
        self.clock += ms;
        self.rings.play(self.clock);
        self.trips.tidy(self.clock);
    }

    /// Whether all that happened has been seen.
    pub(crate) fn is_still(&self) -> bool {
        self.trips.is_empty() && self.rings.is_still(self.clock)
    }

    /// The product whose ring is at a point of the canvas, in CSS pixels.
    pub(crate) fn product_at(&self, x: f64, y: f64) -> Option<u32> {
        let near = |middle: &Point| (middle.x - x).hypot(middle.y - y) <= self.layout.radius + 8.0;
        self.cells.get(self.layout.cells.iter().position(near)?).copied()
    }
}
