//! Where actions go: first to the run, then to the model that is shown.

use super::console;
use super::engine::Engine;
use super::model::{Action, Cached, Line, Model, Report, RowView, Tab, Theme};
use super::sql;
use larder_sim::{Input, Pattern, Refused, Traffic, shop};
use std::cell::RefCell;
use std::rc::Rc;
use yew::platform::spawn_local;
use yew::{Callback, UseReducerDispatcher};

/// The run and what belongs to it, handed from component to component.
#[derive(Clone, Debug)]
pub(crate) struct Lab {
    pub(crate) engine: Rc<RefCell<Engine>>,
    pub(crate) sql: sql::Console,
}

impl PartialEq for Lab {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.engine, &other.engine)
    }
}

impl Lab {
    /// A callback that does what an action says and shows it.
    pub(crate) fn actor(&self, dispatcher: UseReducerDispatcher<Model>) -> Callback<Action> {
        let lab = self.clone();
        Callback::from(move |action: Action| lab.act(action, &dispatcher))
    }

    fn act(&self, action: Action, dispatcher: &UseReducerDispatcher<Model>) {
        let fault = self.apply(&action).err();
        match &action {
            Action::Command(line) => {
                dispatcher.dispatch(action.clone());
                self.command(line, dispatcher);
            }
            Action::Sql(line) => {
                let (lab, line, later) = (self.clone(), line.clone(), dispatcher.clone());
                dispatcher.dispatch(action.clone());
                spawn_local(async move {
                    let outcome = lab.sql.run(&lab.engine, &line).await;
                    later.dispatch(Action::SqlDone(outcome));
                    later.dispatch(Action::Report(Box::new(lab.report())));
                });
            }
            Action::Theme(theme) => {
                set_theme(*theme);
                dispatcher.dispatch(action);
            }
            _ => dispatcher.dispatch(action),
        }
        if let Some(fault) = fault {
            dispatcher.dispatch(Action::Print(Tab::Cache, Line::Fault(fault.to_string())));
        }
        dispatcher.dispatch(Action::Report(Box::new(self.report())));
    }

    /// What an action does to the run.
    fn apply(&self, action: &Action) -> Result<(), Refused> {
        let mut engine = self.engine.borrow_mut();
        match action {
            Action::Pause(paused) => engine.set_paused(*paused),
            Action::Step => engine.step(),
            Action::Speed(speed) => engine.set_speed(*speed),
            Action::Cache(true) => {
                let writes = engine.writes;
                engine.set_pattern(writes);
            }
            Action::Cache(false) => engine.set_pattern(Pattern::NoCache),
            Action::Writes(pattern) => {
                engine.writes = *pattern;
                if engine.sim.pattern() != Pattern::NoCache {
                    engine.set_pattern(*pattern);
                }
            }
            Action::Ttl(seconds) => engine.set(Input::SetTtl(*seconds)),
            Action::Traffic(traffic) => engine.set(Input::SetTraffic(*traffic)),
            Action::Choose(product) => engine.chosen = *product,
            Action::Read => engine.read()?,
            Action::Write => engine.write()?,
            Action::Restart => engine.set(Input::RestartCache),
            _ => {}
        }
        Ok(())
    }

    /// Runs a line of the cache's console: some words are the console's own.
    fn command(&self, line: &str, dispatcher: &UseReducerDispatcher<Model>) {
        let print = |line| dispatcher.dispatch(Action::Print(Tab::Cache, line));
        match console::parse(line) {
            Ok(console::Entered::Nothing) => {}
            Ok(console::Entered::Clear) => dispatcher.dispatch(Action::Clear(Tab::Cache)),
            Ok(console::Entered::Help(text)) => print(Line::Text(text)),
            Ok(console::Entered::Command(args)) => {
                if let Err(refused) = self.engine.borrow_mut().command(args) {
                    print(Line::Fault(refused.to_string()));
                }
            }
            Err(text) => print(Line::Fault(text)),
        }
    }

    /// Reads the run.
    pub(crate) fn report(&self) -> Report {
        let mut engine = self.engine.borrow_mut();
        engine.look();
        let keys = engine.sim.cache_keys();
        let row_view = |row: &larder_sim::Row| {
            let wanted = shop::key(row.id);
            let held = keys.iter().find(|key| key.db == 0 && key.key == wanted);
            let cached = held.map(|key| Cached {
                differs: key.value.as_deref() != Some(&shop::payload(row)),
                ttl_ms: key.ttl_ms,
            });
            RowView { row: row.clone(), cached }
        };
        Report {
            lead: engine.lead(),
            figures: engine.figures(),
            entries: engine.journal.entries.iter().cloned().collect(),
            rows: engine.sim.database_rows().map(row_view).collect(),
            pattern: engine.sim.pattern(),
            ttl_s: engine.sim.ttl_s(),
            traffic: engine.sim.traffic(),
            paused: engine.paused,
            speed: engine.speed,
            reached: engine.reached().map(|speed| (speed * 10.0).round() / 10.0),
            chosen: engine.chosen,
            replies: std::mem::take(&mut engine.replies),
        }
    }
}

/// The traffic, with one thing changed.
pub(crate) fn with(traffic: Traffic, change: impl FnOnce(&mut Traffic)) -> Action {
    let mut traffic = traffic;
    change(&mut traffic);
    Action::Traffic(traffic)
}

/// Where the choice of a theme is kept between visits.
const THEME_KEY: &str = "larder-theme";

/// Marks the document with a theme, for the stylesheet to see, and keeps the choice.
fn set_theme(theme: Theme) {
    let Some(window) = web_sys::window() else { return };
    if let Some(root) = window.document().and_then(|d| d.document_element()) {
        let _ = match theme.name() {
            Some(name) => root.set_attribute("data-theme", name),
            None => root.remove_attribute("data-theme"),
        };
    }
    // A browser may refuse storage; the choice then holds for this visit.
    if let Ok(Some(storage)) = window.local_storage() {
        let _ = storage.set_item(THEME_KEY, theme.name().unwrap_or_default());
    }
}

/// The theme that was chosen at an earlier visit.
pub(crate) fn kept_theme() -> Theme {
    let storage = web_sys::window().and_then(|w| w.local_storage().ok().flatten());
    let name = storage.and_then(|s| s.get_item(THEME_KEY).ok().flatten());
    let theme = match name.as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    };
    if theme != Theme::System {
        set_theme(theme);
    }
    theme
}
