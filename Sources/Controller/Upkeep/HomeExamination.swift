import CLinux
import EventLog
import Foundation
import Lifecycle

/// Looks at everything a home rests on, and compares the log with what runs. Changes nothing.
public struct HomeExamination: Sendable {
    /// One thing that was looked at.
    public struct Finding: Hashable, Sendable {
        public var isWrong: Bool
        /// What is so, and if it is wrong what to do.
        public var line: String

        public init(isWrong: Bool, line: String) {
            self.isWrong = isWrong
            self.line = line
        }
    }

    public private(set) var findings: [Finding] = []
    private let home: Home

    public init(_ home: Home, environment: [String: String]) {
        self.home = home
        examineKernel()
        guard examineFolder() else { return }
        examineDisk()
        guard let log = examineLog() else { return }
        examineControllers(log, environment)
        examineProcesses(log)
        examineReceivers(log)
    }

    private mutating func examineReceivers(_ log: EventLog) {
        do {
            for lag in try log.noticeLags() {
                let words = lag.inWords { Date(timeIntervalSince1970: Double($0) / 1e6).ISO8601Format() }
                if lag.receiver.failures > 0 {
                    wrong("\(words). See that it takes what it is told, or pass over it: dwell notify --help")
                } else {
                    fine(words)
                }
            }
        } catch {
            wrong("\(error)")
        }
    }

    private mutating func fine(_ line: String) { findings.append(Finding(isWrong: false, line: line)) }
    private mutating func wrong(_ line: String) { findings.append(Finding(isWrong: true, line: line)) }

    private mutating func examineKernel() {
        let pidfd = clinux_pidfd_open(getpid())
        if pidfd >= 0 {
            close(pidfd)
            fine("the kernel tells of ended processes")
        } else {
            wrong("the kernel has no pidfd_open (Linux 5.3): ends of processes are noticed by polling")
        }
        let watch = clinux_watch("/")
        if watch >= 0 {
            close(watch)
        } else {
            wrong(
                "inotify is used up (\(String(cString: strerror(errno)))): raise fs.inotify.max_user_instances; until then dwell polls"
            )
        }
        if Boot.current.hasPrefix("unknown") { wrong("cannot read /proc/sys/kernel/random/boot_id; is /proc mounted?") }
    }

    /// Whether there is a home to look at.
    private mutating func examineFolder() -> Bool {
        var status = stat()
        guard stat(home.path, &status) == 0 else {
            if errno == ENOENT {
                fine("there is no home at \(home.path) yet; `dwell up FILE` makes one")
            } else {
                wrong("the home \(home.path) cannot be looked at: \(String(cString: strerror(errno)))")
            }
            return false
        }
        guard status.st_mode & S_IFMT != S_IFDIR || access(home.path, R_OK | X_OK) == 0 else {
            let reason = String(cString: strerror(errno))
            wrong(
                status.st_uid == geteuid()
                    ? "the home \(home.path) cannot be entered: \(reason); to allow it: chmod 700 \(home.path)"
                    : "the home \(home.path) cannot be entered: \(reason); it belongs to user \(status.st_uid), "
                        + "and you are \(geteuid()): set DWELL_HOME to a folder of your own")
            return false
        }
        let strange = home.problemsOfOwnership
        for problem in strange { wrong("\(problem)") }
        // What was put there by others is not opened.
        guard strange.isEmpty else { return false }
        if status.st_uid != geteuid() {
            wrong(
                "\(home.path) belongs to user \(status.st_uid), not to you (\(geteuid())): chown it, or set DWELL_HOME")
        }
        for (path, allowed) in [
            (home.path, 0o700), (home.run, 0o700), (home.logs, 0o700), (home.secrets, 0o700),
            (home.sources, 0o700), (home.database, 0o600), (home.configuration, 0o755),
        ] {
            guard stat(path, &status) == 0 else { continue }
            // What is no file is told of with the log.
            if path == home.database, status.st_mode & S_IFMT != S_IFREG { continue }
            guard [home.database, home.configuration].contains(path) || status.st_mode & S_IFMT == S_IFDIR else {
                wrong("\(path) is not a folder, and nothing can be kept in it: move it away, and dwell makes one")
                continue
            }
            let mode = status.st_mode & 0o777
            if mode & ~mode_t(allowed) != 0 {
                wrong(
                    "\(path) is open to others (mode \(String(mode, radix: 8))): chmod \(String(allowed, radix: 8)) \(path)"
                )
            }
        }
        if access(home.path, W_OK) != 0 { wrong("\(home.path) cannot be written: \(String(cString: strerror(errno)))") }
        if !findings.contains(where: { $0.isWrong && $0.line.contains(home.path) }) {
            fine("the home \(home.path) is yours alone")
        }
        return true
    }

    private mutating func examineDisk() {
        var disk = statvfs()
        guard statvfs(home.path, &disk) == 0 else { return }
        let free = UInt64(disk.f_bavail) * UInt64(disk.f_frsize) / 1_048_576
        if free < Self.leastFreeMegabytes {
            wrong("\(free) MB are free on the disk that holds \(home.path): make room, or nothing can be recorded soon")
        } else {
            fine("\(free) MB are free on the disk")
        }
        if disk.f_favail == 0 && disk.f_files > 0 {
            wrong("the disk that holds \(home.path) has no inodes left: remove files")
        }
        if disk.f_flag & UInt(ST_RDONLY) != 0 { wrong("the disk that holds \(home.path) is mounted read-only") }
    }

    /// With less, a busy day may fill it.
    private static let leastFreeMegabytes: UInt64 = 100

    private mutating func examineLog() -> EventLog? {
        guard access(home.database, F_OK) == 0 else {
            if let lost = EventLog.missingEvents(home) {
                wrong("\(lost)")
            } else {
                fine("there is no log yet")
            }
            return nil
        }
        if EventLog.isUnbegun(home) {
            fine("there is no log yet")
            return nil
        }
        do {
            try EventLog.requireOwnFile(home)
        } catch {
            wrong("\(error)")
            return nil
        }
        let examination = LogExamination(home: home)
        // Of some damage it is said what to do.
        if let failure = examination.failure, !failure.isDamage || failure.saysTheWayOn {
            wrong("\(failure)")
            return nil
        }
        for problem in examination.problems {
            wrong("\(problem); stop what runs, then: dwell restore BACKUP, or dwell repair")
        }
        for problem in examination.schemaProblems {
            wrong("the schema of the log was changed: \(problem); stop what runs, then: dwell repair")
        }
        do {
            let log = try EventLog(home: home)
            if examination.isWhole {
                fine("the log is whole: \(examination.wholeEvents) events of \(examination.controllers) controllers")
            }
            return log
        } catch {
            if examination.failure != error { wrong("\(error)") }
            return nil
        }
    }

    private mutating func examineControllers(_ log: EventLog, _ environment: [String: String]) {
        do {
            let names = try log.status().controllers.compactMap { ControllerName(rawValue: $0.name) }
            let doubles = HomeProcesses(home: home).surplus()
            if !doubles.isEmpty {
                wrong(
                    "\(doubles.map(\.description).joined(separator: " and ")) are more than one where one may be (a lock in \(home.run) was removed); all but one end within seconds, unless they are suspended: see dwell logs --controller"
                )
            }
            let needing = Set(try log.controllersNeedingProcess())
            for name in names {
                let launcher = ControllerLauncher(home: home, controller: name, environment: environment)
                let isFree = try launcher.isLeaseFree()
                if needing.contains(name), isFree {
                    wrong(
                        "controller \(name) has something to do and no process: any command starts it, such as dwell status"
                    )
                } else if needing.contains(name), try launcher.isKeeperLockFree() {
                    wrong(
                        "controller \(name) has no keeper, and would not be started again if it died: see dwell logs --controller"
                    )
                } else if needing.contains(name) {
                    fine("controller \(name) has its process and its keeper")
                }
            }
        } catch {
            wrong("\(error)")
        }
    }

    private mutating func examineProcesses(_ log: EventLog) {
        do {
            let report = try log.status()
            var known: Set<Cookie> = []
            var missing: [String] = []
            for name in report.controllers.compactMap({ ControllerName(rawValue: $0.name) }) {
                let state = try log.state(of: name)
                for service in state.services.values {
                    for replica in service.orderedReplicas {
                        known.insert(cookie(log, name, service.name, replica.id, replica.generation))
                        let runs = [.starting, .ready, .notReady, .provisioning].contains(replica.status)
                        if runs, let handle = replica.handle, let identity = ProcessIdentity(handle), !identity.isAlive
                        {
                            missing.append("replica \(replica.id) of service \(service.name)")
                        }
                    }
                    examineCertificate(of: service)
                    guard let loadBalancer = service.loadBalancer else { continue }
                    known.insert(cookie(log, name, service.name, nil, loadBalancer.generation))
                    if case .running(let handle) = loadBalancer.phase, let identity = ProcessIdentity(handle) {
                        if !identity.isAlive {
                            missing.append("the load balancer of service \(service.name)")
                        } else if !Self.answers(service.endpoint) {
                            wrong(
                                "nothing listens at \(service.url), where service \(service.name) should be: dwell logs \(service.name) --load-balancer"
                            )
                        }
                    }
                }
            }
            for what in missing { wrong("\(what) has ended, and nobody has noticed yet: dwell status sees to it") }
            let strangers = HomeProcesses(home: home).alive().filter { found in
                found.cookie.map { !known.contains($0) } ?? false
            }
            for stranger in strangers {
                wrong(
                    "\(stranger), is not in the log: its controller ends it when it starts; by hand: kill \(stranger.pid)"
                )
            }
            for service in report.services where service.status == ServiceStatus.failedCleanup.rawValue {
                wrong("service \(service.name) could not be removed: \(service.reason ?? "see dwell status")")
            }
            for name in WorkdirCopies.controllers(in: home) {
                for path in WorkdirCopies(home: home, controller: name).leftovers() {
                    wrong("\(path), which nothing needs, could not be removed; every command tries again")
                }
            }
            if missing.isEmpty, strangers.isEmpty { fine("what runs is what the log says") }
        } catch {
            wrong("\(error)")
        }
    }

    /// What its load balancer goes on with is in its memory only.
    private mutating func examineCertificate(of service: ServiceState) {
        guard let files = service.servedTLS, !service.isEnding else { return }
        let examination = TLSExamination(reading: files)
        if let problem = examination.problem {
            wrong("service \(service.name) cannot speak TLS when it is started again: \(problem.message)")
        }
        for note in examination.notes { wrong("service \(service.name): \(note)") }
    }

    private func cookie(
        _ log: EventLog, _ controller: ControllerName, _ service: ServiceName, _ replica: Int?, _ generation: Int
    ) -> Cookie {
        Cookie(logID: log.logID, controller: controller, service: service, replica: replica, generation: generation)
    }

    /// Whether something listens there.
    private static func answers(_ endpoint: Endpoint) -> Bool {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { return true }
        let descriptor = Descriptor(owning: raw)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = endpoint.port.bigEndian
        // An address that is not IPv4 is not looked at.
        guard inet_pton(AF_INET, endpoint.host, &address.sin_addr) == 1 else { return true }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor.raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return result == 0
    }
}
