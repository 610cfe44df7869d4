import ArgumentParser

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version.",
        discussion: """
            Examples:
              dwell version
              dwell version --json
              dwell --version
            """)

    @Flag(help: "Print JSON.")
    var json = false

    func run() {
        print(json ? "{\"version\":\"\(DwellVersion.current)\"}" : DwellVersion.line)
    }
}

/// The version of this build.
enum DwellVersion {
    static let current = "0.1.0"
    static var line: String { "dwell \(current)" }
}
