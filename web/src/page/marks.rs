//! The drawing's marks as small pictures in the text: the same shapes and colours.

use yew::prelude::*;

/// A mark by its name in the stylesheet.
pub(crate) fn mark(name: &'static str) -> Html {
    let shape = match name {
        "hit" => html! { <circle r="5" /> },
        "miss" => html! { <path d="M0-6.5 6.5 0 0 6.5-6.5 0z" class="open" /> },
        "rows" => html! { <path d="M0-6.5 6.5 0 0 6.5-6.5 0z" /> },
        "write" => html! { <path d="M-5-5h10v10h-10z" /> },
        "store" => html! { <path d="M-5-5h10v10h-10z" class="open" /> },
        "stale" => html! { <path d="M0-6.5 6.5 5.5h-13z" /> },
        "expired" => html! { <circle r="5.5" class="open dashed" /> },
        "met" => html! { <path d="M-5.5 0a5.5 5.5 0 1 1 0 .1zM-3-3 3 3M-3 3 3-3" class="open" /> },
        "trouble" => html! { <path d="M-5-5 5 5M-5 5 5-5" class="open" /> },
        _ => html! { <circle r="2.5" /> },
    };
    html! { <svg class={classes!("mark", name)} viewBox="-8 -8 16 16" aria-hidden="true">{ shape }</svg> }
}
