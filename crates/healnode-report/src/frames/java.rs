//! Java, Kotlin, Scala: `\tat shop.Cart.add(Cart.java:12)`, innermost frame first, causes behind `Caused by:`.

use super::Frame;

/// Packages of the platform, of languages on it, and of frameworks that call the application.
const LIBRARIES: &[&str] = &[
    "java.",
    "javax.",
    "jakarta.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "akka.",
    "clojure.",
    "groovy.",
    "org.codehaus.groovy.",
    "android.",
    "androidx.",
    "dalvik.",
    "com.android.",
    "org.springframework.",
    "org.hibernate.",
    "org.apache.",
    "org.eclipse.",
    "io.netty.",
    "io.grpc.",
    "io.micronaut.",
    "io.quarkus.",
    "io.vertx.",
    "reactor.",
    "rx.",
    "io.reactivex.",
    "okhttp3.",
    "retrofit2.",
    "com.fasterxml.",
    "com.google.",
    "com.zaxxer.",
    "org.junit.",
    "junit.",
    "org.postgresql.",
    "com.mysql.",
    "org.gradle.",
    "org.jetbrains.",
    "ch.qos.logback.",
    "org.slf4j.",
    "cats.",
    "zio.",
];

pub(crate) fn knows(line: &str) -> bool {
    frame(line).is_some() || line.starts_with("Caused by: ")
}

pub(crate) fn read(lines: &[&str]) -> Vec<Frame> {
    let cause = lines.iter().rposition(|line| line.starts_with("Caused by: ")).unwrap_or(0);
    let is_end = |line: &&&str| line.trim_start().starts_with("Suppressed: ");
    lines[cause..].iter().take_while(|line| !is_end(line)).filter_map(|line| frame(line)).collect()
}

fn frame(line: &str) -> Option<Frame> {
    let call = line.trim().strip_prefix("at ")?;
    let (path, place) = call.split_once('(')?;
    let place = place.split_once(')')?.0;
    let file = place.split(':').next().unwrap_or(place);
    let is_source = [".java", ".kt", ".kts", ".scala", ".groovy", ".clj"].iter().any(|ending| file.ends_with(ending));
    if !is_source && !matches!(place, "Native Method" | "Unknown Source" | "SourceFile") && !place.starts_with("SourceFile:")
        || path.contains(' ')
    {
        return None;
    }
    let path = path.rsplit('/').next().unwrap_or(path);
    let (class, method) = path.rsplit_once('.')?;
    let in_app = !LIBRARIES.iter().any(|library| class.starts_with(library)) && !is_generated(class);
    let class = class_name(class);
    let mut frame = Frame::new("", &function(method), in_app);
    frame.file = class;
    Some(frame)
}

fn is_generated(class: &str) -> bool {
    class.contains("$Proxy")
        || class.contains("GeneratedMethodAccessor")
        || class.contains("GeneratedConstructorAccessor")
        || class.contains("$$FastClass")
}

/// A class without the numbers of anonymous classes and the suffixes of generated ones.
fn class_name(class: &str) -> String {
    let class = class.split("$$").next().unwrap_or(class);
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = class.split('$').filter(|part| !is_number(part)).collect();
    parts.join("$")
}

/// A method without the numbers of lambdas and accessors. `lambda$add$3` is `add`.
fn function(method: &str) -> String {
    let mut parts = method.split('$').filter(|part| !part.is_empty() && !part.bytes().all(|byte| byte.is_ascii_digit()));
    match parts.next() {
        Some("lambda" | "access" | "anonfun") => parts.next().unwrap_or("lambda").to_owned(),
        Some(name) => name.to_owned(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{in_app_frames, language};

    #[test]
    fn the_last_cause_decides_and_library_frames_are_left_out() {
        let stack = "shop.CartException: failed\n\tat shop.Api.post(Api.java:10)\nCaused by: java.lang.IllegalStateException: x\n\
                     \tat java.base/java.util.Objects.requireNonNull(Objects.java:233)\n\tat shop.Cart.lambda$add$3(Cart.java:12)\n\
                     \tat shop.Cart$1.run(Cart.java:9)\n\t... 12 more";
        assert_eq!(in_app_frames(stack), ["shop.Cart:add", "shop.Cart:run"]);
        assert_eq!(language(stack), "java");
    }

    #[test]
    fn generated_suffixes_do_not_matter() {
        let plain = "\tat shop.Cart.add(Cart.kt:1)";
        let generated = "\tat app//shop.Cart$$EnhancerBySpringCGLIB$$9f2a.add(Cart.kt:7) ~[shop-1.2.jar:?]";
        assert_eq!(in_app_frames(plain), in_app_frames(generated));
    }
}
