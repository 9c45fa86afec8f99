//! The canvas with its legend, and the same content as a table.

use super::frame;
use super::journal::money;
use super::lab::Lab;
use super::marks::mark;
use super::model::{Action, RowView};
use crate::scene::Scene;
use crate::text::fixed;
use std::rc::Rc;
use web_sys::HtmlCanvasElement;
use yew::prelude::*;

#[derive(Clone, PartialEq, Properties)]
pub(crate) struct Props {
    pub(crate) lab: Lab,
    pub(crate) act: Callback<Action>,
    /// Takes what the frame loop reads from the run.
    pub(crate) reported: Callback<Action>,
    pub(crate) rows: Rc<[RowView]>,
    pub(crate) chosen: u32,
}

/// The canvas with its legend.
#[component]
pub(crate) fn SceneView(props: &Props) -> Html {
    let canvas = use_node_ref();
    let open = use_state(|| false);
    {
        let (canvas, lab, reported) = (canvas.clone(), props.lab.clone(), props.reported.clone());
        use_effect_with((), move |()| {
            let Some(canvas) = canvas.cast::<HtmlCanvasElement>() else { return };
            let mut engine = lab.engine.borrow_mut();
            let products: Vec<u32> = engine.sim.database_rows().map(|row| row.id).collect();
            let apps = engine.sim.scenario().apps as usize;
            engine.scene = Scene::new(canvas.clone(), apps, &products);
            drop(engine);
            frame::start(lab, canvas, reported);
        });
    }
    let onclick = {
        let (lab, act) = (props.lab.clone(), props.act.clone());
        Callback::from(move |event: MouseEvent| {
            let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
            let product =
                lab.engine.borrow().scene.as_ref().and_then(|scene| scene.product_at(x, y));
            if let Some(product) = product {
                act.emit(Action::Choose(product));
            }
        })
    };
    let ontoggle = {
        let open = open.clone();
        Callback::from(move |_: Event| open.set(!*open))
    };
    let legend = [
        ("hit", "hit: the cache had it"),
        ("miss", "miss: on to the database"),
        ("write", "write"),
        ("store", "stored in the cache"),
        ("stale", "stale: out of date"),
        ("met", "expired: a read met it"),
        ("expired", "expired: the cache swept it"),
    ];
    html! {
        <figure class="scene">
            <canvas ref={canvas} {onclick} role="img"
                aria-label="Requests travel from the users through the applications to the cache and the database. \
                            The table below has the same content." />
            <figcaption>
                <ul class="legend">
                    { for legend.into_iter().map(|(name, text)| html! { <li>{ mark(name) }{ text }</li> }) }
                </ul>
                <details {ontoggle}>
                    <summary>{ "Keys as a table" }</summary>
                    if *open { { table(&props.rows, props.chosen) } }
                </details>
            </figcaption>
        </figure>
    }
}

fn table(rows: &[RowView], chosen: u32) -> Html {
    html! {
        <div class="scroll" tabindex="0" role="region" aria-label="Products">
            <table class="grid">
                <thead><tr>
                    <th scope="col">{ "key" }</th><th scope="col">{ "product" }</th>
                    <th scope="col" class="number">{ "price in the database" }</th>
                    <th scope="col">{ "in the cache" }</th><th scope="col" class="number">{ "time left" }</th>
                </tr></thead>
                <tbody>{ for rows.iter().map(|view| {
                    let (cached, left) = shown(view);
                    html! {
                        <tr key={view.row.id} class={classes!((view.row.id == chosen).then_some("chosen"))}>
                            <td>{ format!("product:{}", view.row.id) }</td><td>{ &view.row.name }</td>
                            <td class="number">{ money(view.row.price_cents) }</td>
                            <td>{ cached }</td><td class="number">{ left }</td>
                        </tr>
                    }
                }) }</tbody>
            </table>
        </div>
    }
}

/// What is said of a product's key, and of the time that it has left.
pub(crate) fn shown(view: &RowView) -> (Html, String) {
    let Some(cached) = &view.cached else { return (html! { "not cached" }, String::new()) };
    let left = match cached.ttl_ms {
        None => "no limit".to_owned(),
        Some(ms) => format!("{} s", fixed(ms as f64 / 1000.0, 1)),
    };
    let state = if cached.ttl_ms == Some(0) {
        html! { <>{ mark("expired") }{ "run out, not noticed yet" }</> }
    } else if cached.differs {
        html! { <>{ mark("stale") }{ "differs from the row" }</> }
    } else {
        html! { <>{ mark("hit") }{ "as in the row" }</> }
    };
    (state, left)
}
