//! The drawing's colours and type, read from the stylesheet so that they stand in one place.

use web_sys::{CssStyleDeclaration, Window};

/// Colours, each with one meaning, and fonts.
#[derive(Clone, Debug, Default)]
pub(super) struct Theme {
    pub(super) paper: String,
    pub(super) ink: String,
    pub(super) soft: String,
    pub(super) line: String,
    pub(super) faint: String,
    pub(super) hit: String,
    pub(super) miss: String,
    pub(super) write: String,
    pub(super) stale: String,
    pub(super) expired: String,
    pub(super) sans: String,
}

impl Theme {
    pub(super) fn read(window: &Window) -> Option<Theme> {
        let root = window.document()?.document_element()?;
        let style = window.get_computed_style(&root).ok()??;
        Some(Theme {
            paper: property(&style, "--paper"),
            ink: property(&style, "--ink"),
            soft: property(&style, "--soft"),
            line: property(&style, "--line"),
            faint: property(&style, "--faint"),
            hit: property(&style, "--hit"),
            miss: property(&style, "--miss"),
            write: property(&style, "--write"),
            stale: property(&style, "--stale"),
            expired: property(&style, "--expired"),
            sans: property(&style, "--sans"),
        })
    }
}

fn property(style: &CssStyleDeclaration, name: &str) -> String {
    style.get_property_value(name).unwrap_or_default().trim().to_owned()
}
