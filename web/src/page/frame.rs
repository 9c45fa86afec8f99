//! The frame loop: lets the run's time go on, draws, and reports a few times a second.
//!
//! The browser stops calling for a hidden tab. Off the screen nothing is drawn, and with reduced
//! motion little: the run itself goes on.

use super::lab::Lab;
use super::model::{Action, Report};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlCanvasElement, MediaQueryList, Performance, Window};
use yew::Callback;

/// A frame counts for so many milliseconds at the most: a tab that slept doesn't catch up.
const MAX_FRAME_MS: f64 = 100.0;
/// Milliseconds of a frame that the simulation may take; the rest is for drawing and the page.
const SIMULATE_MS: f64 = 7.0;
/// Milliseconds between two reports to the page, and between two frames that show little motion.
const REPORT_MS: f64 = 140.0;
const CALM_MS: f64 = 250.0;

type Frame = Closure<dyn FnMut(f64)>;

struct Loop {
    lab: Lab,
    report: Callback<Action>,
    window: Window,
    canvas: HtmlCanvasElement,
    dark: Option<MediaQueryList>,
    still: Option<MediaQueryList>,
    last_ms: f64,
    reported_ms: f64,
    drawn_ms: f64,
    last_report: Report,
    /// What the drawing was last fitted to.
    fitted: (i32, f64, bool, bool, Option<String>),
    on_screen: bool,
}

/// Starts the loop. It runs as long as the page does.
pub(crate) fn start(lab: Lab, canvas: HtmlCanvasElement, report: Callback<Action>) {
    let Some(window) = web_sys::window() else { return };
    let query = |text: &str| window.match_media(text).ok().flatten();
    let mut state = Loop {
        lab,
        report,
        canvas,
        dark: query("(prefers-color-scheme: dark)"),
        still: query("(prefers-reduced-motion: reduce)"),
        last_ms: f64::NAN,
        reported_ms: f64::NEG_INFINITY,
        drawn_ms: f64::NEG_INFINITY,
        last_report: Report::default(),
        fitted: (0, 0.0, false, false, None),
        on_screen: true,
        window: window.clone(),
    };
    // The callback asks for its own next call, so it must be able to name itself.
    let again: Rc<RefCell<Option<Frame>>> = Rc::default();
    let inner = Rc::clone(&again);
    *again.borrow_mut() = Some(Closure::new(move |now_ms| {
        state.frame(now_ms);
        request(&state.window, &inner);
    }));
    request(&window, &again);
}

fn request(window: &Window, frame: &RefCell<Option<Frame>>) {
    if let Some(frame) = &*frame.borrow() {
        let _ = window.request_animation_frame(frame.as_ref().unchecked_ref());
    }
}

impl Loop {
    fn frame(&mut self, now_ms: f64) {
        let gone = (now_ms - self.last_ms).clamp(0.0, MAX_FRAME_MS);
        self.last_ms = now_ms;
        // The first frame has no predecessor.
        let gone = if gone.is_nan() { 0.0 } else { gone };
        let clock = self.window.performance();
        let now = || clock.as_ref().map_or(0.0, Performance::now);
        let end = now() + SIMULATE_MS;
        self.lab.engine.borrow_mut().pass(gone, || now() > end);
        if now_ms - self.reported_ms >= REPORT_MS {
            self.reported_ms = now_ms;
            self.fit();
            let report = self.lab.report();
            if report != self.last_report {
                self.last_report = report.clone();
                self.report.emit(Action::Report(Box::new(report)));
            }
        }
        let mut engine = self.lab.engine.borrow_mut();
        let calm = self.fitted.3 || !engine.is_moving();
        if self.on_screen && (!calm || now_ms - self.drawn_ms >= CALM_MS) {
            self.drawn_ms = now_ms;
            engine.draw();
        }
    }

    /// Fits the drawing to the canvas, the theme and the visitor's wish for less motion.
    fn fit(&mut self) {
        let rect = self.canvas.get_bounding_client_rect();
        let height = self.window.inner_height().ok().and_then(|h| h.as_f64()).unwrap_or(0.0);
        self.on_screen = rect.bottom() > 0.0 && rect.top() < height;
        let matches =
            |query: &Option<MediaQueryList>| query.as_ref().is_some_and(MediaQueryList::matches);
        let root = self.window.document().and_then(|d| d.document_element());
        let now = (
            self.canvas.parent_element().map_or(0, |parent| parent.client_width()),
            self.window.device_pixel_ratio(),
            matches(&self.dark),
            matches(&self.still),
            root.and_then(|root| root.get_attribute("data-theme")),
        );
        if now != self.fitted {
            if let Some(scene) = &mut self.lab.engine.borrow_mut().scene {
                scene.restyle(now.3);
                scene.resize();
            }
            self.fitted = now;
            self.drawn_ms = f64::NEG_INFINITY;
        }
    }
}
