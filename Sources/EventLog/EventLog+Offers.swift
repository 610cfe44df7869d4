import Foundation
import GRDB
import Lifecycle

// What processes that stand in the line do for one another; see ``Offer``.

extension EventLog {
    /// Decides a command before its turn, on the state of this moment, so that somebody else may write what it leads to.
    ///
    /// - Returns: nil for one that is not decided by its stream alone, or leads to nothing.
    /// - Throws: also what is to be told in its turn, a rejection for instance.
    func offer(
        _ submission: Submission, to controller: ControllerName, by author: Author, _ db: Database
    ) throws -> Offer? {
        guard !submission.command.looksElsewhere else { return nil }
        try requireEndAtFirst(db)
        guard let head = try StreamHead.fetch(controller, db) else { return nil }
        if let id = submission.commandID, try wasSubmitted(id, to: controller, db) { return nil }
        let state = try loadState(of: controller, at: head, db)
        let decision = try decide(submission.command, on: state, by: author, at: try Clock.now(), db)
        return try Offer(
            decision, on: state, head, author: author, commandID: submission.commandID,
            cause: try cause(of: submission.command, to: controller, db), of: files, db)
    }

    /// Writes what was offered, the earliest first, in the transaction of this process.
    ///
    /// - Returns: the answer to each; nil to those that are decided anew: whose stream does not end any more where they were
    ///   decided, or that are not of now.
    func write(_ offers: [[UInt8]], _ db: Database) throws -> [OfferAnswer?] {
        var answers: [OfferAnswer?] = offers.map { _ in nil }
        if offers.isEmpty { return answers }
        var (position, digest) = try db.lastEvent()
        try requireEnd(position, db)
        let now = try Clock.now().wallMicroseconds
        let rows = RowWriter(into: db)
        let stored = offers.indices.compactMap { index in
            (try? Offer.Stored(offers[index], of: files)).map { (index, $0) }
        }
        for (place, offer) in stored.sorted(by: { $0.1.atMicroseconds < $1.1.atMicroseconds }) {
            // All may have been stopped, or the clock was set.
            guard (now &- offer.atMicroseconds).magnitude < greatestAgeOfOffersMicroseconds,
                let controller = ControllerName(rawValue: offer.stream),
                let head = try StreamHead.fetch(controller, db), head.version == offer.version,
                head.digest.hexadecimal == offer.digest
            else { continue }
            // Accepted meanwhile without an event, which is not at the head of the stream.
            if let id = offer.events[0].commandID, try wasSubmitted(id, to: controller, db) { continue }
            let first = position &+ 1
            for (index, event) in offer.events.enumerated() {
                var event = event
                position &+= 1
                event.position = position
                if index > 0 { event.cause = first }
                digest = Digest(after: digest, row: event)
                try EventWriter.insert(event, digest, db)
            }
            try offer.rows.withUnsafeBytes { bytes in
                var tape = TapeReader(bytes)
                while !tape.isAtEnd { try rows.replay(&tape) }
            }
            answers[place] = OfferAnswer(firstPosition: first, count: offer.events.count, digest: digest)
        }
        return answers
    }

    /// Where the events of an offer are that somebody has written and not told of, for it was stopped or killed; nil when
    /// they are not there.
    ///
    /// - Throws: ``LogFailure/perhapsRecorded(because:)`` when what is in their place was archived meanwhile.
    func answer(to offer: Offer, _ db: Database) throws -> OfferAnswer? {
        guard let first = offer.events.first else { return nil }
        guard let found = try EventReader.event(of: offer.state.name.rawValue, version: first.stamp.version, db) else {
            let head = try StreamHead.fetch(offer.state.name, db)
            if let head, head.version >= first.stamp.version {
                throw LogFailure.perhapsRecorded(because: .archivedMeanwhile)
            }
            return nil
        }
        guard offer.receipt(OfferAnswer(firstPosition: found.position, count: 1, digest: .zero)).events[0] == found,
            let digest = try StreamHead.digest(of: offer.state.name, at: offer.state.version, db)
        else { return nil }
        return OfferAnswer(firstPosition: found.position, count: offer.events.count, digest: digest)
    }
}
