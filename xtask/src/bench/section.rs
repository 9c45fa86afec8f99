//! The section of `docs/performance.md` that `bench types` writes; all the rest is `bench compare`'s.

use std::fs;

use anyhow::{Context, Result};

use crate::paths;

/// What the section begins with. It ends at the next heading of this rank.
pub(super) const HEADING: &str = "## Data types\n";

/// Writes the page anew, made of what it is.
pub(super) fn rewrite(new: impl FnOnce(&str) -> String) -> Result<()> {
    let file = paths::root().join("docs/performance.md");
    let old = fs::read_to_string(&file).context("cannot read docs/performance.md")?;
    fs::write(&file, new(&old)).context("cannot write docs/performance.md")?;
    println!("wrote docs/performance.md");
    Ok(())
}

/// The section of a page.
pub(super) fn of(page: &str) -> Option<&str> {
    let start = page.find(HEADING)?;
    let body = start + HEADING.len();
    let end = page[body..].find("\n## ").map_or(page.len(), |at| body + at + 1);
    Some(&page[start..end])
}

/// The page with this section, in place of another or at the end.
pub(super) fn with(page: &str, section: &str) -> String {
    let others = page.replace(of(page).unwrap_or_default(), "");
    [others.trim_end(), section.trim_end()].join("\n\n").trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Page\n\n## One\n1\n\n## Data types\n2\n### CPU\n3\n\n## Last\n4\n";

    #[test]
    fn a_section_is_found_and_replaced() {
        assert_eq!(of(PAGE), Some("## Data types\n2\n### CPU\n3\n\n"));
        let new = with(PAGE, "## Data types\nnew\n");
        assert_eq!(new, "# Page\n\n## One\n1\n\n## Last\n4\n\n## Data types\nnew\n");
        assert_eq!(with("# Page\n", "## Data types\nnew\n"), "# Page\n\n## Data types\nnew\n");
        assert_eq!((of("# Page\n"), with("# Page\n", "")), (None, "# Page\n".to_owned()));
    }
}
