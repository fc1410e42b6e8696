//! Where the settings come from. That they are valid was found out before.

use super::{Area, Finding};

/// What is known of the settings.
pub(super) struct Facts {
    /// Where they come from besides the defaults.
    pub(super) origins: Vec<String>,
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let valid = if facts.origins.is_empty() {
        "Valid. No file and no variable sets anything, so every setting has its default.".to_owned()
    } else {
        format!("Valid. Settings come from {}; the others have their defaults.", facts.origins.join(", "))
    };
    vec![Finding::ok(Area::Configuration, valid)]
}

#[cfg(test)]
mod tests {
    use super::super::Level::Ok;
    use super::super::finding::check;
    use super::*;

    #[test]
    fn settings_say_where_they_come_from() {
        let facts = |origins: &[&str]| Facts { origins: origins.iter().map(|text| (*text).to_owned()).collect() };
        check(&judge(&facts(&[])), &[(Ok, "every setting has its default")]);
        check(&judge(&facts(&["healnode.toml", "$HEALNODE_REPO", "--socket"])), &[(Ok, "healnode.toml, $HEALNODE_REPO, --socket;")]);
    }
}
