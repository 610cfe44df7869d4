import ArgumentParser
import EventLog
import Foundation

struct InstallService: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install-service",
        abstract: "Write systemd units, so that controllers and deadlines come back after a boot without a command.",
        discussion: """
            dwell-timer.timer brings back after a boot whatever is to run, and does what was due: it is all it takes. \
            dwell-controller@NAME.service runs one controller under systemd itself. Nothing is enabled: the lines that do so are printed. \
            Units of another home keep their names, and those of this one have its path in theirs. Once the program is \
            elsewhere, say it again, and systemctl daemon-reload.

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
        let folder = system ? "/etc/systemd/system" : Self.userFolder(environment)
        let units = SystemdUnits(program: program, home: home.path, user: system ? user : nil, in: folder)
        if prints {
            for (name, text) in units.files { print("# \(name)\n\(text)") }
            return Session.reviveWhatDied()
        }
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
        print("  \(systemctl) enable --now \(units.toEnable)")
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
    /// What the names of this home's units have besides those of the first one's.
    private let suffix: String

    /// - Parameter folder: where they are to be, and perhaps those of another home are.
    init(program: String, home: String, user: String?, in folder: String) {
        (self.program, self.home, self.user) = (program, home, user)
        let own = "-" + Self.escaped(home)
        let first = try? String(contentsOfFile: folder + "/dwell-timer.service", encoding: .utf8)
        let isOfAnother = first.map { !$0.contains("Environment=\(Self.quoted("DWELL_HOME=\(home)"))\n") } ?? false
        let hasOwn = access(folder + "/dwell-timer\(own).service", F_OK) == 0
        suffix = isOfAnother || hasOwn ? own : ""
    }

    var files: [(name: String, text: String)] {
        [
            ("dwell-controller\(suffix)@.service", controller), ("dwell-timer\(suffix).service", timerService),
            ("dwell-timer\(suffix).timer", timer),
        ]
    }

    /// What to enable, for a shell.
    var toEnable: String {
        ["dwell-timer\(suffix).timer", "dwell-controller\(suffix)@local.service"]
            .map { $0.contains("\\") ? "'\($0)'" : $0 }.joined(separator: " ")
    }

    /// A path as a part of a unit's name, as systemd-escape --path has it.
    private static func escaped(_ path: String) -> String {
        path.drop { $0 == "/" }.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "/"): return "-"
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
                return String(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16)
                return "\\x" + (digits.count == 1 ? "0" : "") + digits
            }
        }.joined()
    }

    private var controller: String {
        """
        [Unit]
        Description=dwell controller %i

        [Service]
        \(common)ExecStart=\(command) controller run %i
        # Replicas outlive it, and the next one adopts them.
        KillMode=process
        # Exit code 0: its controller is stopped, or there is none, or another process runs it already; so it ends, until
        # the next boot or `systemctl start`. 1: something failed, and it is tried again. 2: it is called in a way that
        # makes no sense, such as by a name that can be none, which no other try would mend.
        Restart=on-failure
        RestartSec=1
        RestartPreventExitStatus=2

        [Install]
        WantedBy=\(target)

        """
    }

    private var timerService: String {
        """
        [Unit]
        Description=dwell: bring back controllers, and do what is due

        [Service]
        Type=oneshot
        \(common)ExecStart=\(command) timer
        # What it brings back outlives it.
        KillMode=process

        """
    }

    private var timer: String {
        """
        [Unit]
        Description=dwell: bring back controllers after a boot, and do what is due

        [Timer]
        OnBootSec=30
        # Controllers, and those that stay stopped, wait by themselves for what is to come; this is for processes that
        # were killed.
        OnUnitInactiveSec=15min

        [Install]
        WantedBy=timers.target

        """
    }

    private var target: String { user == nil ? "default.target" : "multi-user.target" }

    private var common: String {
        "Environment=\(Self.quoted("DWELL_HOME=\(home)"))\n" + (user.map { "User=\($0)\n" } ?? "")
    }

    /// In a command line a dollar sign begins a variable, also within quotes (systemd.service(5)).
    private var command: String { Self.quoted(program).replacing("$", with: "$$") }

    /// As systemd.syntax(7) has it: in quotes, and without specifiers.
    private static func quoted(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("%", with: "%%")
            .replacing("\n", with: "\\n")
        return "\"\(escaped)\""
    }
}
