import Controller
import EventLog
import Foundation
import Lifecycle
import ServiceFile

/// What every command works with: the home, the log, and who gives the command.
struct Session {
    let home: Home
    let log: EventLog
    let environment: [String: String]
    let author: Author
    /// Whether it asks a file and not the home's log: then nothing is started.
    let isOfFile: Bool

    /// Opens the log in the home that the environment names, or a file that holds one.
    init(component: String = "cli", reading file: String? = nil) throws(CommandFailure) {
        environment = ProcessInfo.processInfo.environment
        home = Home(environment: environment)
        author = Author(actor: Self.actor, component: component)
        isOfFile = file != nil
        do {
            log = if let file { try EventLog.reading(file: file) } else { try EventLog(home: home) }
        } catch {
            throw file == nil ? CommandFailure(error) : CommandFailure(named: error)
        }
        for sentence in log.closed { print("note: \(sentence)", to: .error) }
    }

    /// `user@host`, by the user database rather than by the environment, which anybody can set.
    private static var actor: String {
        let user = getpwuid(getuid()).flatMap { String(cString: $0.pointee.pw_name) } ?? "uid \(getuid())"
        return "\(user)@\(ProcessInfo.processInfo.hostName)"
    }

    func submit(
        _ command: Command, to controller: ControllerName, commandID: String = UUID().uuidString
    ) throws(CommandFailure) -> Receipt {
        // Nothing half done: what is recorded needs a process that does it. One that is not there is refused below.
        if try read({ (log) throws(LogFailure) in try log.state(of: controller).status }) != .absent {
            try prepareToLaunch(controller)
        }
        let receipt: Receipt
        do {
            receipt = try log.submit(command, to: controller, by: author, commandID: commandID)
        } catch .rejected(.noSuchController(let name)) {
            throw try absence(of: name)
        } catch {
            throw CommandFailure(error)
        }
        if receipt.state.needsProcess { try launchWhatIsRecorded(controller) }
        return receipt
    }

    /// Runs a read of the log, with its failure in the user's words.
    func read<Value>(_ body: (EventLog) throws(LogFailure) -> Value) throws(CommandFailure) -> Value {
        do {
            return try body(log)
        } catch {
            throw CommandFailure(error)
        }
    }

    func launcher(_ controller: ControllerName) -> ControllerLauncher {
        ControllerLauncher(home: home, controller: controller, environment: environment)
    }

    func paths(_ controller: ControllerName) -> ControllerPaths {
        ControllerPaths(home: home, controller: controller)
    }

    /// Sees to it that the controller has a process if it has anything to do.
    func ensureRunning(_ controller: ControllerName) throws(CommandFailure) {
        guard try read({ (log) throws(LogFailure) in try log.state(of: controller).needsProcess }) else { return }
        try launch(controller)
    }

    private func launch(_ controller: ControllerName) throws(CommandFailure) {
        do {
            try launcher(controller).ensureRunning()
        } catch {
            throw CommandFailure(error.description)
        }
    }

    /// Every command does this: whichever comes first after a crash brings back what died. What cannot be
    /// brought back is told in the end, and keeps nothing else from it.
    ///
    /// - Parameter saysWhatFails: whether to say so when nobody can be told what happens; a command that failed has
    ///   said what is wrong already.
    func ensureAllRunning(saysWhatFails: Bool = true) throws(CommandFailure) {
        guard !isOfFile else { return }
        try reviveAll(saysWhatFails: saysWhatFails)
        try removeUnusedCopies()
    }

    private func reviveAll(saysWhatFails: Bool) throws(CommandFailure) {
        var failures: [String] = []
        for controller in try read({ (log) throws(LogFailure) in try log.controllersNeedingProcess() }) {
            do {
                try launch(controller)
            } catch {
                failures += error.lines
            }
        }
        try removeUnusedSecrets()
        try ensureTimer()
        ensureNotifier(saysWhatFails: saysWhatFails)
        guard failures.isEmpty else { throw CommandFailure(lines: failures, exitCode: 1) }
    }

    /// The same before a question is answered: whoever reads may close the pipe early, and that ends the command. To
    /// look which copies of folders nobody needs takes the states of their controllers, which a question has not.
    ///
    /// - Returns: what went wrong, which is to be said after the answer.
    func revival() -> Result<Void, CommandFailure> {
        guard !isOfFile else { return .success(()) }
        return Result { () throws(CommandFailure) in try reviveAll(saysWhatFails: true) }
    }

    /// Looks, before anything of it is recorded, whether the controller's process will have a place to write to.
    func prepareToLaunch(_ controller: ControllerName) throws(CommandFailure) {
        do {
            try launcher(controller).prepare()
        } catch {
            throw CommandFailure(error.description)
        }
    }

    /// Starts the process of a controller that has something to do since a moment ago.
    ///
    /// - Parameter undo: how to take back what is recorded already, should that fail.
    func launchWhatIsRecorded(_ controller: ControllerName, undo: String? = nil) throws(CommandFailure) {
        do {
            try launch(controller)
        } catch {
            throw CommandFailure(
                "\(error.lines.joined(separator: "; ")); what was asked for is recorded, and done by the next command "
                    + "that can" + (undo.map { "; take it back: \($0)" } ?? ""))
        }
    }

    /// Sees to it that whoever is to be told what happens is told. Nothing that a command is for fails by it.
    func ensureNotifier(saysWhatFails: Bool = true) {
        do {
            try notices.ensureRunning()
        } catch {
            if saysWhatFails { print("nobody is told what happens (notify): \(error)", to: .error) }
        }
    }

    /// What tells the receivers of `notify`.
    var notices: NoticeLauncher {
        let path = home.configuration
        return NoticeLauncher(home: home, log: log, environment: environment) {
            try Configuration.receivers(path: path)
        }
    }

    /// Sees to it that somebody waits for the controllers that are to be terminated when they stay stopped.
    func ensureTimer() throws(CommandFailure) {
        do {
            try timer.ensureRunning()
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    /// Controllers that are up, or on their way there.
    func runningControllers() throws(CommandFailure) -> [ControllerName] {
        try read { (log) throws(LogFailure) in try log.controllersNeedingProcess() }
    }

    /// The policy in force of each.
    ///
    /// - Parameter position: of the last event there was then; nil for now.
    func policies(
        of rows: [ControllerRow], atPosition position: Int? = nil
    ) throws(CommandFailure) -> [String: AutostopPolicy] {
        var policies: [String: AutostopPolicy] = [:]
        for name in rows.compactMap({ ControllerName(rawValue: $0.name) }) {
            policies[name.rawValue] = try state(of: name, atPosition: position).policy
        }
        return policies
    }

    /// The state of a controller when an event was the last; nil for now.
    func state(of name: ControllerName, atPosition position: Int?) throws(CommandFailure) -> ControllerState {
        try read { (log) throws(LogFailure) in
            guard let position else { return try log.state(of: name) }
            return try log.state(of: name, atPosition: position)
        }
    }

    /// What sees to controllers that stay stopped.
    var timer: HomeTimer { HomeTimer(home: home, log: log, environment: environment, author: author, notices: notices) }

    /// A controller that has no process does not see to it that secrets go with their service.
    private func removeUnusedSecrets() throws(CommandFailure) {
        for controller in SecretFiles.controllers(in: home) {
            let unheld = SecretFiles(home: home, controller: controller).unheld()
            let state = try read { (log) throws(LogFailure) in try log.state(of: controller) }
            unheld.remove(except: state.secretsInUse)
        }
    }

    /// Nor to the copies of folders; nor is there anybody else for one whose command was refused or killed. Commands
    /// that change something see to it, and controllers.
    private func removeUnusedCopies() throws(CommandFailure) {
        for controller in WorkdirCopies.controllers(in: home) {
            let unheld = WorkdirCopies(home: home, controller: controller).unheld()
            let state = try read { (log) throws(LogFailure) in try log.state(of: controller) }
            unheld.remove(except: state.workdirCopiesInUse)
        }
    }

    /// The same at the end of a command that failed, or that has nothing to do with the log; what it cannot do is
    /// left to the next one. A home that is not there is not made.
    static func reviveWhatDied() {
        let home = Home(environment: ProcessInfo.processInfo.environment)
        guard access(home.database, F_OK) == 0, let session = try? Session() else { return }
        try? session.ensureAllRunning(saysWhatFails: false)
    }

    /// Says so when the disk has no room for what is waited for: the controller's process cannot record
    /// what it does then, and would be waited for in vain. The request itself is on disk.
    func refuseFullDisk() throws(CommandFailure) {
        var disk = statvfs()
        guard statvfs(home.path, &disk) == 0, UInt64(disk.f_bavail) * UInt64(disk.f_frsize) < 65_536 else { return }
        throw CommandFailure(
            "no space left on the disk that holds \(home.database); the request is recorded and goes on once there is room"
        )
    }

    /// Waits until `isDone` says so of the controller's state, and sees to it meanwhile that the
    /// controller has a process.
    func wait(
        for controller: ControllerName, until isDone: (ControllerState) throws(CommandFailure) -> Bool
    ) async throws(CommandFailure) {
        var watch = ControllerWatch(self, controller)
        for await _ in Commits.promptTicks(log.bell, safetyPollSeconds: 0.5) {
            let state = try read { (log) throws(LogFailure) in try log.state(of: controller) }
            if try isDone(state) { return try beSure() }
            try watch.look(state)
        }
    }

    /// What was read of another process's work is on disk when this returns: it is told as done after that.
    func beSure() throws(CommandFailure) {
        try read { (log) throws(LogFailure) in try log.sync() }
    }

    /// Waits for the end of the controller's process, which follows its last event at once; says so when
    /// it has not ended within 5 s.
    ///
    /// - Returns: whether the controller is still at rest: somebody may have started it again, and then the process that is
    ///   there is its next one.
    func waitForProcessEnd(of controller: ControllerName) async throws(CommandFailure) -> Bool {
        let limit = ContinuousClock.now + .seconds(5)
        while try !isLeaseFree(controller), ContinuousClock.now < limit {
            let state = try read { (log) throws(LogFailure) in try log.state(of: controller) }
            if state.needsProcess { return false }
            try? await Task.sleep(for: .milliseconds(5))
        }
        if try !isLeaseFree(controller) {
            print(
                "the process of controller \(controller) has not ended yet; see: dwell logs \(controller) --controller",
                to: .error)
        }
        return true
    }

    private func isLeaseFree(_ controller: ControllerName) throws(CommandFailure) -> Bool {
        do {
            return try launcher(controller).isLeaseFree()
        } catch {
            throw CommandFailure(error.description)
        }
    }

    /// What `config.yaml` says. Whom it names under `notify` is told from now on.
    func adoptConfiguration() throws(CommandFailure) -> Configuration {
        let configuration: Configuration
        do {
            configuration = try ConfigurationInForce(home: home).remember()
        } catch {
            throw CommandFailure(error)
        }
        // Before what comes of it, so that a receiver that is new is told of that too.
        try read { (log) throws(LogFailure) in try log.setNoticeReceivers(configuration.receivers) }
        return configuration
    }
}

/// Names on the command line, checked.
enum NameArgument {
    static func controller(_ text: String) throws(CommandFailure) -> ControllerName {
        guard let name = ControllerName(rawValue: text) else { throw failure("a controller", text) }
        return name
    }

    static func service(_ text: String) throws(CommandFailure) -> ServiceName {
        guard let name = ServiceName(rawValue: text) else { throw failure("a service", text) }
        return name
    }

    private static func failure(_ what: String, _ text: String) -> CommandFailure {
        CommandFailure("\"\(text)\" cannot be the name of \(what): names are \(NameRule.inWords)", exitCode: 2)
    }
}
