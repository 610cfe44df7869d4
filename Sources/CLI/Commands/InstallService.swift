import ArgumentParser
import EventLog
import Foundation

struct InstallService: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install-service",
        abstract: "Write systemd units, so that controllers and deadlines come back after a boot without a command.",
        discussion: """
            One unit runs controllers in the foreground (dwell-controller@NAME.service), one wakes up what is to be \
            terminated (dwell-timer.timer). Nothing is enabled: the lines that do so are printed.

            Examples:
              dwell install-service                 units of your own systemd (~/.config/systemd/user)
              dwell install-service --system        the machine's (/etc/systemd/system), run as you
              dwell install-service --print         only show them
            """)

    @Flag(help: "For the machine's systemd rather than your own.")
    var system = false

    @Flag(name: .customLong("print"), help: "Print the units and write nothing.")
    var prints = false

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let home = Home(environment: environment)
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            throw CommandFailure("cannot tell where this program is: /proc/self/exe")
        }
        let user = getpwuid(getuid()).flatMap { String(cString: $0.pointee.pw_name) } ?? "\(getuid())"
        let units = SystemdUnits(program: program, home: home.path, user: system ? user : nil)
        if prints {
            for (name, text) in units.files { print("# \(name)\n\(text)") }
            return Session.reviveWhatDied()
        }
        let folder = system ? "/etc/systemd/system" : Self.userFolder(environment)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for (name, text) in units.files {
                try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
            }
        } catch {
            throw CommandFailure("cannot write units in \(folder): \((error as NSError).localizedDescription)")
        }
        let systemctl = system ? "systemctl" : "systemctl --user"
        print("Wrote \(units.files.map(\.name).joined(separator: ", ")) in \(folder). Enable them:")
        print("  \(systemctl) daemon-reload")
        print("  \(systemctl) enable --now dwell-timer.timer dwell-controller@local.service")
        defer { Session.reviveWhatDied() }
        if !system { print("  loginctl enable-linger \(user)    # so that they run while you are not logged in") }
    }

    private static func userFolder(_ environment: [String: String]) -> String {
        let base = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        return (base ?? NSHomeDirectory() + "/.config") + "/systemd/user"
    }
}

/// The units, by name.
struct SystemdUnits {
    let program: String
    let home: String
    /// Whom the machine's systemd runs them as; nil for the user's own.
    let user: String?

    var files: [(name: String, text: String)] {
        [
            ("dwell-controller@.service", controller), ("dwell-timer.service", timerService),
            ("dwell-timer.timer", timer),
        ]
    }

    private var controller: String {
        """
        [Unit]
        Description=dwell controller %i

        [Service]
        \(common)ExecStart=\(command) controller run %i
        # Replicas outlive it, and the next one adopts them.
        KillMode=process
        # It ends by itself when its controller is stopped, which is no failure.
        Restart=on-failure
        RestartSec=1

        [Install]
        WantedBy=\(target)

        """
    }

    private var timerService: String {
        """
        [Unit]
        Description=dwell: terminate controllers that have been stopped for long enough

        [Service]
        \(common)ExecStart=\(command) timer
        KillMode=process

        """
    }

    private var timer: String {
        """
        [Unit]
        Description=dwell: see to controllers that stay stopped

        [Timer]
        OnBootSec=30
        # It waits by itself for what is to come; this is for a process that was killed.
        OnUnitInactiveSec=15min

        [Install]
        WantedBy=timers.target

        """
    }

    private var target: String { user == nil ? "default.target" : "multi-user.target" }

    private var common: String {
        "Environment=\(quoted("DWELL_HOME=\(home)"))\n" + (user.map { "User=\($0)\n" } ?? "")
    }

    /// In a command line a dollar sign begins a variable, also within quotes (systemd.service(5)).
    private var command: String { quoted(program).replacing("$", with: "$$") }

    /// As systemd.syntax(7) has it: in quotes, and without specifiers.
    private func quoted(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("%", with: "%%")
            .replacing("\n", with: "\\n")
        return "\"\(escaped)\""
    }
}
