//! The page as a whole.

use super::controls::{Controls, controls};
use super::lab::{Lab, kept_theme};
use super::marks::mark;
use super::model::{Action, Model, Tab, Theme};
use super::scene_view::SceneView;
use super::strip::{log, strip};
use super::terminal::{Dialect, Terminal};
use yew::prelude::*;

/// What the page is given.
#[derive(Clone, Debug, PartialEq, Properties)]
pub(crate) struct Props {
    /// The run.
    pub(crate) lab: Lab,
}

/// The page as a whole.
#[component]
pub(crate) fn App(props: &Props) -> Html {
    let model = use_reducer(|| Model {
        theme: kept_theme(),
        writes: larder_sim::Pattern::default(),
        ..Model::default()
    });
    let act = {
        let (lab, dispatcher) = (props.lab.clone(), model.dispatcher());
        use_memo((), move |()| lab.actor(dispatcher))
    };
    let act = (*act).clone();
    let reported = {
        let dispatcher = model.dispatcher();
        use_memo((), move |()| Callback::from(move |action| dispatcher.dispatch(action)))
    };
    let spoken = model.report.entries.iter().find(|entry| entry.by_hand);
    html! {
        <>
            <a class="skip" href="#consoles">{ "Skip to the consoles" }</a>
            <header class="head">
                <h1>{ "Larder" }<span class="tag">{ "a cache you can see" }</span></h1>
                { theme_switch(model.theme, &act) }
            </header>
            <main>
                <p class="lead">{ &model.report.lead }</p>
                <SceneView lab={props.lab.clone()} act={act.clone()} reported={(*reported).clone()}
                    rows={model.report.rows.clone()} chosen={model.report.chosen} />
                { strip(&model.report.figures, model.report.pattern) }
                { controls(&Controls { report: &model.report, writes: model.writes, act: &act }) }
                <div class="lower" id="consoles" tabindex="-1">
                    { consoles(&model, &act) }
                    { log(&model.report.entries, model.everything, &act) }
                </div>
            </main>
            <footer class="foot">
                <p>{ "The cache is Larder's own engine, compiled to WebAssembly and spoken to in RESP; \
                      the network and the database's pace are simulated, from one seed. \
                      Messages are drawn far slower than they are: the figures tell the simulated time." }</p>
            </footer>
            <div class="unseen" role="status" aria-live="polite">
                { spoken.map(|entry| entry.text.clone()).unwrap_or_default() }
            </div>
        </>
    }
}

fn theme_switch(chosen: Theme, act: &Callback<Action>) -> Html {
    let choices = [(Theme::System, "Auto"), (Theme::Light, "Light"), (Theme::Dark, "Dark")];
    html! {
        <div class="segments small" role="group" aria-label="Colours">
            { for choices.into_iter().map(|(theme, name)| {
                let act = act.clone();
                let pressed = (chosen == theme).to_string();
                html! {
                    <button type="button" aria-pressed={pressed}
                        onclick={move |_| act.emit(Action::Theme(theme))}>{ name }</button>
                }
            }) }
        </div>
    }
}

fn consoles(model: &Model, act: &Callback<Action>) -> Html {
    let tabs = [
        (Tab::Cache, "Cache console", "tab-cache"),
        (Tab::Database, "Database console", "tab-database"),
    ];
    let tab = |(tab, name, id): (Tab, &'static str, &'static str)| {
        let chosen = model.tab == tab;
        let act = act.clone();
        html! {
            <button type="button" role="tab" {id} aria-selected={chosen.to_string()} aria-controls="console"
                onclick={move |_| act.emit(Action::Tab(tab))}>
                { mark(if tab == Tab::Cache { "hit" } else { "rows" }) }{ name }
            </button>
        }
    };
    let (dialect, lines, label) = match model.tab {
        Tab::Cache => (Dialect::Resp, model.cache_lines.clone(), "tab-cache"),
        Tab::Database => (Dialect::Sql, model.sql_lines.clone(), "tab-database"),
    };
    html! {
        <section class="panel" aria-label="Consoles">
            <div class="tabs" role="tablist">{ for tabs.into_iter().map(tab) }</div>
            <div id="console" role="tabpanel" aria-labelledby={label}>
                <Terminal key={label} {dialect} {lines} busy={model.sql_busy} act={act.clone()} />
            </div>
        </section>
    }
}
