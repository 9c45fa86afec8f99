//! A console: what was printed, and a line to type on, with history and hints.

use super::console;
use super::model::{Action, Grid, Line, Tab};
use std::rc::Rc;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

/// Lines that can be called back by the arrow keys.
const HISTORY: usize = 100;

/// Whom a console speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Resp,
    Sql,
}

impl Dialect {
    fn prompt(self) -> &'static str {
        match self {
            Dialect::Resp => "larder>",
            Dialect::Sql => "sql>",
        }
    }

    fn tab(self) -> Tab {
        match self {
            Dialect::Resp => Tab::Cache,
            Dialect::Sql => Tab::Database,
        }
    }

    fn action(self, line: String) -> Action {
        match self {
            Dialect::Resp => Action::Command(line),
            Dialect::Sql => Action::Sql(line),
        }
    }

    /// Lines to begin with.
    fn examples(self) -> &'static [&'static str] {
        match self {
            Dialect::Resp => &[
                "GET product:1",
                "TTL product:1",
                "DBSIZE",
                "SET greeting hello EX 20",
                "INFO stats",
                "help",
            ],
            Dialect::Sql => &[
                "SELECT * FROM products LIMIT 5",
                "UPDATE products SET price_cents = price_cents + 100 WHERE id <= 3",
            ],
        }
    }
}

#[derive(Clone, PartialEq, Properties)]
pub(crate) struct Props {
    pub(crate) dialect: Dialect,
    pub(crate) lines: Rc<Vec<Line>>,
    /// A statement runs, or SQLite is being fetched.
    pub(crate) busy: bool,
    pub(crate) act: Callback<Action>,
}

/// What was typed, and where in it the arrow keys stand; the end is the line being typed.
#[derive(Clone, Default, PartialEq)]
struct Past {
    lines: Vec<String>,
    at: usize,
}

/// A console.
#[component]
pub(crate) fn Terminal(props: &Props) -> Html {
    let typed = use_state(String::new);
    let past = use_state(Past::default);
    let output = use_node_ref();
    {
        // What was printed last is what one wants to see.
        let output = output.clone();
        use_effect_with(props.lines.len(), move |_| {
            if let Some(output) = output.cast::<HtmlElement>() {
                output.set_scroll_top(output.scroll_height());
            }
        });
    }
    let dialect = props.dialect;
    let oninput = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                typed.set(input.value());
            }
        })
    };
    let send = {
        let (typed, past, act) = (typed.clone(), past.clone(), props.act.clone());
        Callback::from(move |line: String| {
            if line.trim().is_empty() {
                return;
            }
            let mut lines = past.lines.clone();
            lines.retain(|old| *old != line);
            lines.push(line.clone());
            lines.drain(..lines.len().saturating_sub(HISTORY));
            past.set(Past { at: lines.len(), lines });
            typed.set(String::new());
            act.emit(dialect.action(line));
        })
    };
    let onkeydown = {
        let (typed, past, send, act) =
            (typed.clone(), past.clone(), send.clone(), props.act.clone());
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "Enter" => send.emit((*typed).clone()),
            "ArrowUp" | "ArrowDown" => {
                event.prevent_default();
                let back = event.key() == "ArrowUp";
                let at = if back {
                    past.at.saturating_sub(1)
                } else {
                    (past.at + 1).min(past.lines.len())
                };
                typed.set(past.lines.get(at).cloned().unwrap_or_default());
                past.set(Past { at, lines: past.lines.clone() });
            }
            // Only when there is something to complete: otherwise Tab moves on as everywhere.
            "Tab" if !event.shift_key() && dialect == Dialect::Resp => {
                if let Some(name) = console::completions(&typed).next() {
                    event.prevent_default();
                    typed.set(format!("{name} "));
                }
            }
            "l" if event.ctrl_key() => {
                event.prevent_default();
                act.emit(Action::Clear(dialect.tab()));
            }
            _ => {}
        })
    };
    let example = |text: &'static str| {
        let send = send.clone();
        html! { <button type="button" class="plain" onclick={move |_| send.emit(text.to_owned())}>{ text }</button> }
    };
    html! {
        <div class="terminal">
            <div class="output scroll" ref={output} role="log" tabindex="0" aria-label="Output">
                if props.lines.is_empty() {
                    <div class="examples">
                        <span>{ "Try" }</span>
                        { for dialect.examples().iter().copied().map(example) }
                    </div>
                }
                { for props.lines.iter().map(|line| printed(dialect, line)) }
                if props.busy && dialect == Dialect::Sql { <pre class="soft">{ "…" }</pre> }
            </div>
            <div class="prompt">
                <label for="line">{ dialect.prompt() }</label>
                <input id="line" value={(*typed).clone()} {oninput} {onkeydown} autocomplete="off"
                    autocapitalize="off" spellcheck="false" aria-describedby="hint"
                    aria-label={if dialect == Dialect::Resp { "Command" } else { "SQL" }} />
            </div>
            <p class="hint" id="hint">{ hint(dialect, &typed) }</p>
        </div>
    }
}

fn printed(dialect: Dialect, line: &Line) -> Html {
    match line {
        Line::Sent(text) => {
            html! { <pre class="sent"><span>{ dialect.prompt() }</span>{ " " }{ text }</pre> }
        }
        Line::Text(text) => html! { <pre>{ text }</pre> },
        Line::Fault(text) => html! { <pre class="fault">{ text }</pre> },
        Line::Grid(grid) => result(grid),
    }
}

fn result(grid: &Grid) -> Html {
    let cell = |value: &Option<String>| match value {
        Some(text) => html! { <td>{ text }</td> },
        None => html! { <td class="soft">{ "NULL" }</td> },
    };
    html! {
        <>
            <table class="grid">
                <thead><tr>{ for grid.columns.iter().map(|name| html! { <th scope="col">{ name }</th> }) }</tr></thead>
                <tbody>
                    { for grid.rows.iter().map(|row| html! { <tr>{ for row.iter().map(cell) }</tr> }) }
                </tbody>
            </table>
            if grid.more > 0 { <pre class="soft">{ format!("and {} more rows", grid.more) }</pre> }
        </>
    }
}

/// What is known of the command that is being typed.
fn hint(dialect: Dialect, typed: &str) -> Html {
    if dialect == Dialect::Sql {
        return html! { "SQLite, loaded when first used, over the simulation's own rows. \
        The cache isn't told of a change." };
    }
    if let Some((syntax, summary)) = console::hint(typed) {
        return html! { <><code>{ syntax }</code>{ " " }{ summary }</> };
    }
    let names: Vec<String> = console::completions(typed).take(8).collect();
    if names.is_empty() {
        return html! { "Any command of the engine. Tab completes, arrow keys call lines back." };
    }
    html! { <code>{ names.join("  ") }</code> }
}
