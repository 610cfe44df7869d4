import ArgumentParser

struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version.",
        discussion: """
            Examples:
              dwell version
            """)

    func run() {
        print("dwell \(DwellVersion.current)")
    }
}

/// The version of this build.
enum DwellVersion {
    static let current = "0.1.0"
}
