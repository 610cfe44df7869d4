import Foundation
import GRDB
import Lifecycle

extension EventLog {
    /// The one door through which events enter the log: reads the state, decides, appends, projects,
    /// commits, rings. When it returns, the events are durable.
    ///
    /// - Parameter commandID: the same id twice is one command (law L6): the second time nothing is
    ///   decided, and the receipt says so.
    /// - Throws: ``SubmitError``: a rejection by the rules, or a failure of the log.
    @discardableResult
    public func submit(
        _ command: Command, to controller: ControllerName, by author: Author, commandID: String? = nil
    ) throws(SubmitError) -> Receipt {
        let outcome: Result<Receipt, Rejection>
        do throws(LogFailure) {
            outcome = try submitTogether([Submission(command, commandID: commandID)], to: controller, by: author)[0]
        } catch {
            throw .failed(error)
        }
        do throws(Rejection) {
            return try outcome.get()
        } catch {
            throw .rejected(error)
        }
    }

    /// The same for several commands, one after the other in one transaction: a disk takes as long to sync one as to
    /// sync ten. Each is decided on what those before it led to; one that is rejected writes nothing.
    ///
    /// - Returns: what became of each, in their order; not before all is durable.
    public func submitTogether(
        _ submissions: [Submission], to controller: ControllerName, by author: Author
    ) throws(LogFailure) -> [Result<Receipt, Rejection>] {
        var offer: Offer?
        func appended(_ written: DurableTransaction.Written<Appended>) -> Appended {
            switch (written, offer) {
            case (.byUs(let appended), _): appended
            case (.asOffered(let answer), let offer?): Appended(offer, answer)
            // Whoever offers nothing is answered nothing.
            case (.asOffered, nil): Appended([], last: nil)
            }
        }
        // From when on somebody may write it until this process has looked whether somebody has.
        var isOffered = false
        let written: DurableTransaction.Written<Appended>
        do {
            written = try writing(
                offering: { db in
                    guard submissions.count == 1 else { return nil }
                    offer = try self.offer(submissions[0], to: controller, by: author, db)
                    isOffered = offer != nil
                    return offer?.bytes
                },
                telling: { written, last in ring(appended(written), last) }
            ) { db in
                // Somebody may have written it, and not lived to say so.
                if let offer, let answer = try self.answer(to: offer, db) { return Appended(offer, answer) }
                isOffered = false
                // Taken inside the transaction: what is decided here is decided at this moment and no earlier.
                return try append(submissions, to: controller, by: author, at: try Clock.now(), db)
            }
        } catch  where isOffered && error.saysNothingWasChanged {
            throw .perhapsRecorded(because: error)
        }
        let appended = appended(written)
        if let last = appended.last { remember(last.state, last.head) }
        if let position = appended.lastPosition { rememberEnd(position) }
        if let home { ServiceBell.ring(home: home, appended.outcomes.compactMap { try? $0.get() }) }
        return appended.outcomes
    }

    /// What has become of commands of one controller.
    private struct Appended {
        var outcomes: [Result<Receipt, Rejection>]
        /// Nil when nothing was written.
        var last: (state: ControllerState, head: Digest)?

        init(_ outcomes: [Result<Receipt, Rejection>], last: (state: ControllerState, head: Digest)?) {
            (self.outcomes, self.last) = (outcomes, last)
        }

        init(_ offer: Offer, _ answer: OfferAnswer) {
            self.init([.success(offer.receipt(answer))], last: (offer.state, answer.digest))
        }

        var lastPosition: Int? { outcomes.lazy.compactMap { (try? $0.get())?.events.last?.position }.max() }
    }

    /// Rings for what was written, and for what was written of others with it.
    private func ring(_ appended: Appended, _ others: OfferAnswer?) {
        let position = appended.lastPosition
        if let others, others.lastPosition > position ?? 0 {
            bell.ring(position: others.lastPosition, digest: others.digest, logID: logID)
        } else if let position {
            bell.ring(position: position, digest: appended.last?.head, logID: logID)
        }
    }

    private func append(
        _ submissions: [Submission], to controller: ControllerName, by author: Author, at now: Instant, _ db: Database
    ) throws -> Appended {
        var last: (state: ControllerState, head: Digest)?
        let outcomes: [Result<Receipt, Rejection>] = try submissions.enumerated().map { index, submission in
            do {
                let (receipt, head) = try append(
                    submission.command, on: try last?.state ?? loadState(of: controller, db), by: author,
                    commandID: submission.commandID, at: now, isLast: index == submissions.endIndex - 1, db)
                if let head { last = (receipt.state, head) }
                return .success(receipt)
            } catch let rejection as Rejection {
                return .failure(rejection)
            }
        }
        return Appended(outcomes, last: last)
    }

    /// Decides one command on `state`, the one at the head of its stream, and writes down what it leads to.
    ///
    /// - Parameter isLast: whether nothing else is decided in its transaction.
    func append(
        _ command: Command, on state: ControllerState, by author: Author, commandID: String?, at now: Instant,
        isLast: Bool = false, _ db: Database
    ) throws -> (Receipt, head: Digest?) {
        let controller = state.name
        // Before anything is decided: what was asked for may be refused for want of what is missing.
        try requireEndAtFirst(db)
        if let commandID, try wasSubmitted(commandID, to: controller, db) {
            return (Receipt(state: state, events: [], isRepeated: true), head: nil)
        }
        let decision = try decide(command, on: state, by: author, at: now, db)
        guard !decision.events.isEmpty else {
            if let commandID, !command.isReport {
                try CommandsWithoutEvents(db: db).insert(
                    commandID, to: controller, atMicroseconds: now.wallMicroseconds)
            }
            return (Receipt(state: state, events: [], isRepeated: false), head: nil)
        }
        var writer = try EventWriter(
            stream: controller, author: author, commandID: commandID,
            cause: try cause(of: command, to: controller, db), db)
        try requireEnd(writer.lastPosition, db)
        if isLast { transaction.callNext(db) }
        let recorded = try decision.events.map { try writer.write($0, db) }
        try Projector(db: db).project(decision.state, from: state, changedBy: decision.events)
        try Snapshots.store(decision.state, after: decision.events.count, db)
        try Checkpoints.store(
            decision.state, after: decision.events.count, position: recorded.last?.position ?? 0, db)
        return (Receipt(state: decision.state, events: recorded, isRepeated: false), head: writer.lastDigest)
    }

    func decide(
        _ command: Command, on state: ControllerState, by author: Author, at now: Instant, _ db: Database
    ) throws -> Decision {
        try state.decide(
            command,
            Surroundings(
                now: now, portsTakenElsewhere: try portsTaken(besides: state.name, for: command, db),
                actor: author.actor, timeZones: .system))
    }

    /// Position of the event that led to a command; nil when none did.
    func cause(of command: Command, to controller: ControllerName, _ db: Database) throws -> Int? {
        try command.causeVersion.flatMap { try position(of: controller, version: $0, db) }
    }

    func wasSubmitted(_ commandID: String, to controller: ControllerName, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT EXISTS (SELECT 1 FROM events WHERE stream = ?1 AND command_id = ?2)
                        OR EXISTS (SELECT 1 FROM commands_without_events WHERE stream = ?1 AND command_id = ?2)
                    """),
            arguments: [controller.rawValue, commandID]) ?? false
    }

    private func position(of controller: ControllerName, version: Int, _ db: Database) throws -> Int? {
        for sql in [
            "SELECT position FROM events WHERE stream = ? AND version = ?",
            "SELECT position FROM archived_causes WHERE stream = ? AND version = ?",
        ] {
            var statement = try QuickStatement(db, sql)
            statement.bind(controller.rawValue)
            statement.bind(version)
            if let position = try statement.first({ $0.int(0) }) { return position }
        }
        return nil
    }
}
