//! Whether the settings do what whoever wrote them may think. That they are valid was found out before.

use super::{Area, Finding};

/// What is known of the settings.
pub(super) struct Facts {
    /// Where they come from besides the defaults.
    pub(super) origins: Vec<String>,
    /// Keys that ask for what this version does not do.
    pub(super) without_effect: Vec<String>,
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let valid = if facts.origins.is_empty() {
        "Valid. No file and no variable sets anything, so every setting has its default.".to_owned()
    } else {
        format!("Valid. Settings come from {}; the others have their defaults.", facts.origins.join(", "))
    };
    let mut findings = vec![Finding::ok(Area::Configuration, valid)];
    findings.extend(facts.without_effect.iter().map(|key| {
        Finding::warning(
            Area::Configuration,
            format!("{key} is set, but has no effect in this version."),
            "Do not count on it; `healnode config` shows where it is set.",
        )
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::super::Level::{Ok, Warning};
    use super::super::finding::check;
    use super::*;

    #[test]
    fn settings_say_where_they_come_from_and_which_do_nothing() {
        let facts = |origins: &[&str], without_effect: &[&str]| Facts {
            origins: origins.iter().map(|text| (*text).to_owned()).collect(),
            without_effect: without_effect.iter().map(|text| (*text).to_owned()).collect(),
        };
        check(&judge(&facts(&[], &[])), &[(Ok, "every setting has its default")]);
        check(
            &judge(&facts(&["healnode.toml", "$HEALNODE_REPO", "--socket"], &["fix.fixer"])),
            &[(Ok, "healnode.toml, $HEALNODE_REPO, --socket;"), (Warning, "fix.fixer is set, but has no effect")],
        );
    }
}
