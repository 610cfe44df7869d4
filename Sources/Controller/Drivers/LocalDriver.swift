import EventLog
import Foundation
import Lifecycle
import Synchronization

/// Runs replicas as processes of this machine.
///
/// A replica is a bash of its own session that runs the user's `setup`, then `run`, and writes down how
/// they ended, so that whoever adopts the replica after a crash learns it too. It is known by its
/// cookie from the moment it exists; see ``ProcessTree`` for what belongs to it.
///
/// The replica inherits the controller's environment, as a daemon's child does, with the service's
/// `envs` and secrets over it (``UserEnvironment``), and `PORT`, `DWELL_REPLICA_ID` and what SkyPilot tells
/// (``SkyPilotVariables``) over those.
///
/// One whose file names a port gets it: its `run` has an address of its own (``OwnAddress``), so that any number of
/// replicas can have the same port. Where this machine cannot do that, and for files that name none, it has to serve on
/// `$PORT` of 127.0.0.1.
final class LocalDriver: Driver {
    private let paths: ControllerPaths
    private let logID: String
    private let environment: [String: String]
    private let gracePeriodSeconds: Double
    /// The program that runs a replica at its own address.
    private let program: String
    /// Ports given to replicas, which may not have bound them yet.
    private let portsGiven = Mutex<[ReplicaReference: PortReservation]>([:])

    init(
        paths: ControllerPaths, logID: String, environment: [String: String], gracePeriodSeconds: Double = 10,
        program: String = Spawn.dwell
    ) {
        self.paths = paths
        self.logID = logID
        self.environment = environment
        self.gracePeriodSeconds = gracePeriodSeconds
        self.program = program
    }

    func launch(_ replica: ReplicaReference, _ spec: ServiceSpec) async throws(LaunchFailure) -> Launched {
        if let existing = await find(replica) { return existing }
        let place = try choosePlace(for: replica, declared: spec.port)
        do {
            let directory = try prepareFiles(of: replica, spec)
            let secrets = try secretFiles.read(spec.secrets)
            let environment = environment(of: replica, spec, secrets, place)
            let git = GitClone(
                directory: directory, cookie: cookie(of: replica), environment: self.environment,
                log: paths.replicaLog(replica.service, replica.id))
            let copies = WorkdirCopies(home: paths.home, controller: paths.controller)
            let files = ReplicaFiles(directory: directory, spec: spec, copies: copies)
            let workingDirectory = try await files.prepare(git, OutsideMounts(home: paths.home, directory: directory))
            if files.isCopyGone {
                try tell(
                    "the copy of the workdir that this version ran is gone; this is the folder as it is now", replica)
            }
            if let obstacle = place.obstacle { try tell(obstacle, replica) }
            // By descriptor, for the file may be replaced or removed while `setup` runs.
            let program = place.address == nil ? nil : try Program(self.program)
            defer { withExtendedLifetime(program) {} }
            let pid = try Spawn(
                executable: "bash",
                arguments: ["bash", "-p", "-c", Self.wrapper, "dwell-replica", directory]
                    + [place.address?.text].compactMap { $0 },
                environment: environment, cookie: cookie(of: replica), workingDirectory: workingDirectory,
                log: paths.replicaLog(replica.service, replica.id), inherited: program?.descriptor.raw
            ).start()
            // One that has ended already has no start time to read; 0 is nobody's, and so it is found ended.
            let startTicks = ProcessTable.entry(of: pid)?.startTicks ?? 0
            let identity = ProcessIdentity(pid: pid, startTicks: startTicks, boot: Boot.current)
            return Launched(handle: identity.handle, endpoint: place.endpoint)
        } catch {
            _ = portsGiven.withLock { $0.removeValue(forKey: replica) }
            throw LaunchFailure(of: error)
        }
    }

    /// Runs `setup` and `run`, each in a bash of its own as SkyPilot does, and writes down how it went.
    /// The user's commands are in files, so that no process listing shows them. Only `run` is at the replica's own
    /// address: there a user without privileges gets none by `sudo`, which `setup` may need.
    ///
    /// `-p`, for what the controller's own environment says to a bash is not for this one either.
    ///
    /// Replicas share what `setup` installs, which was written for machines of their own: two of `pip install` at once
    /// break each other. So one of a service runs alone until it has succeeded; those after it find its work done, and
    /// run side by side. In other code, which they share too, it is another setup.
    private static let wrapper = """
        directory=$1
        user='\(UserEnvironment.unwrapping)'
        at=()
        if [ $# -gt 1 ]; then at=(/proc/self/fd/\(Spawn.inheritedNumber) replica --address "$2"); fi
        finish() {
            printf '%s %s\\n' "$1" "$2" > "$directory/exit.new" && mv "$directory/exit.new" "$directory/exit"
            exit "$2"
        }
        if [ -e "$directory/setup.sh" ]; then
            shared=$directory/../setup-$(cat "$directory/setup.sh" "$directory/code" 2> /dev/null | cksum | tr ' ' -)
            exec 9>> "$shared.lock"
            if [ ! -e "$shared.done" ] && command -v flock > /dev/null && ! flock -n 9; then
                echo 'dwell: waits for the setup of another replica'
                flock 9
            fi
            if [ -e "$shared.done" ]; then exec 9>&-; fi
            bash -c "$user" "$directory/setup.sh" \(Spawn.inheritedNumber)<&- 9>&- || finish setup $?
            : > "$shared.done"
            exec 9>&-
        fi
        : > "$directory/setup.done"
        "${at[@]}" bash -c "$user" "$directory/run.sh"
        finish run $?
        """

    private func prepareFiles(of replica: ReplicaReference, _ spec: ServiceSpec) throws -> String {
        let directory = paths.runDirectory(replica)
        // Nobody is to start among the files of another, which were given up if they are still there.
        if let left = FolderRemoval.remove(directory) {
            let aside = paths.leftFolder(replica.service)
            guard rename(directory, aside) == 0 else {
                throw LaunchFailure("files of an earlier replica \(replica.id) are left: \(left)")
            }
        }
        try paths.home.makeDirectory(directory + "/work")
        try write(spec.run, to: directory + "/run.sh")
        // For whoever adopts the replica after a crash: what it wrote is told without its secrets.
        if let key = spec.secrets?.key { try write(key, to: directory + "/secrets") }
        if let setup = spec.setup { try write(setup, to: directory + "/setup.sh") }
        if let copy = spec.workdirCopy { try write(copy, to: directory + "/code") }
        try paths.home.makeDirectory(paths.serviceLogDirectory(replica.service))
        // The log of a replica of an earlier life is kept once, beside this one's.
        let log = paths.replicaLog(replica.service, replica.id)
        rename(log, log + ".previous")
        return directory
    }

    private func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open \(path)") }
        let file = Descriptor(owning: descriptor)
        try file.write(Data((text.hasSuffix("\n") ? text : text + "\n").utf8), to: path)
    }

    private func environment(
        of replica: ReplicaReference, _ spec: ServiceSpec, _ secrets: [String: String], _ place: ReplicaPlace
    ) -> [String: String] {
        let cookie = cookie(of: replica)
        let skyPilot = SkyPilotVariables(cookie: cookie, host: place.endpoint.host, accelerator: spec.accelerator)
        let told = skyPilot.fixed.merging([
            "PORT": String(place.port), ReplicaPlace.variable: place.endpoint.description,
            "DWELL_REPLICA_ID": String(replica.id), Cookie.variable: cookie.description,
        ]) { $1 }
        let theirs = spec.envs.merging(secrets) { _, secret in secret }.filter { told[$0.key] == nil }
        return environment.merging(skyPilot.defaults) { $1 }.merging(UserEnvironment(theirs).wrapped) { $1 }
            .merging(told) { $1 }
    }

    private var secretFiles: SecretFiles { SecretFiles(home: paths.home, controller: paths.controller) }

    private func choosePlace(for replica: ReplicaReference, declared: UInt16?) throws(LaunchFailure) -> ReplicaPlace {
        guard let (place, reservation) = ReplicaPlace.choose(for: ProcessMark(cookie(of: replica)), declared: declared)
        else {
            if let obstacle = PortChooser.obstacle { throw .unreachable(obstacle) }
            throw LaunchFailure("no free port between 20000 and 29999")
        }
        portsGiven.withLock { $0[replica] = reservation }
        return place
    }

    /// A line in the replica's log before its own.
    private func tell(_ line: String, _ replica: ReplicaReference) throws {
        try write("dwell: " + line, to: paths.replicaLog(replica.service, replica.id))
    }

    private func cookie(of replica: ReplicaReference) -> Cookie {
        Cookie(
            logID: logID, controller: paths.controller, service: replica.service, replica: replica.id,
            generation: replica.generation)
    }

    /// The replica, if somebody launched it and died before recording it. What is left of one whose
    /// leader has ended is removed.
    private func find(_ replica: ReplicaReference) async -> Launched? {
        let tree = ProcessTree(cookie: cookie(of: replica))
        let alive = await tree.alive()
        guard !alive.isEmpty else { return nil }
        if let leader = alive.first(where: { $0.session == $0.pid }),
            let endpoint = ReplicaPlace.endpoint(of: leader.pid)
        {
            let identity = ProcessIdentity(pid: leader.pid, startTicks: leader.startTicks, boot: Boot.current)
            return Launched(handle: identity.handle, endpoint: endpoint)
        }
        _ = await tree.end(gracePeriodSeconds: gracePeriodSeconds)
        return nil
    }

    func setupFinished(_ replica: ReplicaReference, _ handle: Handle) async -> Bool {
        let directory = paths.runDirectory(replica)
        for await _ in Changes.ticks(at: directory) where access(directory + "/setup.done", F_OK) == 0 { return true }
        return false  // cancelled: the replica ended first
    }

    func ended(_ replica: ReplicaReference, _ handle: Handle) async -> (ending: Ending, logTail: String?)? {
        guard let identity = ProcessIdentity(handle) else { return (.vanished, nil) }
        guard identity.boot == Boot.current else { return (.rebooted, nil) }
        await identity.waitUntilEnded()
        if Task.isCancelled { return nil }
        let ending = readEnding(of: replica) ?? .vanished
        let tail = LogTail.read(paths.replicaLog(replica.service, replica.id))
        return (ending, tail.map(secrets(of: replica).hide))
    }

    func listeningPorts(of replica: ReplicaReference, _ handle: Handle) async -> [UInt16] {
        let tree = ProcessTree(cookie: cookie(of: replica), leader: ProcessIdentity(handle))
        return ListeningPorts.of(await tree.alive().map(\.pid))
    }

    private func secrets(of replica: ReplicaReference) -> Secrets {
        let file = paths.runDirectory(replica) + "/secrets"
        guard let key = HomeFile.text(file) else { return Secrets(values: [:]) }
        let reference = SecretsReference(names: [], key: key.trimmingCharacters(in: .whitespacesAndNewlines))
        return Secrets(values: (try? secretFiles.read(reference)) ?? [:])
    }

    private func readEnding(of replica: ReplicaReference) -> Ending? {
        guard let text = HomeFile.text(paths.runDirectory(replica) + "/exit") else {
            return nil
        }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let stage = Ending.Stage(rawValue: String(words[0])), let code = Int(words[1]) else {
            return nil
        }
        return .exited(code: code, stage: stage)
    }

    func end(_ replica: ReplicaReference, _ handle: Handle?) async -> String? {
        let tree = ProcessTree(cookie: cookie(of: replica), leader: handle.flatMap(ProcessIdentity.init))
        if let leftovers = await tree.end(gracePeriodSeconds: gracePeriodSeconds) { return leftovers }
        _ = portsGiven.withLock { $0.removeValue(forKey: replica) }
        OutsideMounts(home: paths.home, directory: paths.runDirectory(replica)).remove()
        return paths.removeRunDirectory(replica)
    }

    func endStrangers(known: Set<ReplicaReference>) async -> String? {
        let strangers = strangers(in: await ProcessLook.now(), known: known)
        return await withTaskGroup(of: String?.self) { [gracePeriodSeconds] group in
            for tree in strangers { group.addTask { await tree.end(gracePeriodSeconds: gracePeriodSeconds) } }
            let leftovers = await group.reduce(into: []) { $0 += [$1].compactMap { $0 } }
            return leftovers.isEmpty ? nil : leftovers.joined(separator: ", ")
        }
    }

    /// What runs of replicas of this controller that are not known, each once.
    private func strangers(in look: ProcessLook, known: Set<ReplicaReference>) -> [ProcessTree] {
        let prefix = Cookie.prefix(logID: logID, controller: paths.controller)
        var expected = Set(known.map { ProcessMark(cookie(of: $0)) })
        var strangers: [ProcessMark: ProcessTree] = [:]
        for text in Set(look.alive.compactMap(\.cookie)) where text.hasPrefix(prefix) {
            guard let cookie = Cookie(text) else { continue }
            let mark = ProcessMark(cookie)
            if cookie.replica == nil {
                expected.insert(mark)  // a load balancer, which sees to itself
            } else if !expected.contains(mark) {
                strangers[mark] = ProcessTree(cookie: cookie)
            }
        }
        // Those that have dropped their environment.
        let own = ProcessMark(logID: logID, controller: paths.controller, generation: 0)
        for mark in Set(look.alive.compactMap(\.mark)) where mark.isOfSameController(as: own) {
            if !expected.contains(mark), strangers[mark] == nil { strangers[mark] = ProcessTree(mark: mark) }
        }
        return Array(strangers.values)
    }
}
