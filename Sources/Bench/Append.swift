import ArgumentParser
import EventLog
import Foundation
import Lifecycle
import TestKit

/// Appends one event at a time through the real door, and between two of them overwrites 4 KiB of a file and syncs
/// it: what the disk asks of anybody who promises durability. Both in turn, so that both see the same disk.
struct Append: ParsableCommand {
    @Option var home: String
    @Option(help: "Services with two replicas each on the controller.") var services = 1
    @Option(help: "Appends in each round.") var count = 200
    @Option var rounds = 5
    @Flag(help: "Only append: for counting instructions.") var alone = false

    struct Round: Encodable {
        var append: [Double] = []
        var bare: [Double] = []
    }

    func run() throws {
        let log = try EventLog(home: Home(path: home))
        var stream = try Stream(log, .sample("bench"), services: services)
        let bare = try BareWrite(home + "/bare")
        for _ in 0..<count { try stream.append() }
        var result: [Round] = []
        for _ in 0..<rounds {
            var round = Round()
            for _ in 0..<count {
                round.append.append(try microseconds { try stream.append() })
                if !alone { round.bare.append(microseconds { bare.write() }) }
            }
            result.append(round)
        }
        if !alone { try printJSON(result) }
    }
}

/// One of many processes that append to one log at once, each to a controller of its own.
struct Appender: ParsableCommand {
    @Option var home: String
    @Option var controller: String
    @Option(help: "When to begin, seconds since 1970; 0: only make the controller.") var at: Double
    @Option var seconds = 2.0

    struct Result: Encodable {
        var microseconds: [Double] = []
        /// Of each event that was acknowledged.
        var positions: [Int] = []
        var failures: [String] = []
    }

    func run() throws {
        let log = try EventLog(home: Home(path: home))
        var stream = try Stream(log, .sample(controller), services: 1)
        guard at > 0 else { return }
        let begin = Date(timeIntervalSince1970: at)
        Thread.sleep(until: begin)
        var result = Result()
        guard -begin.timeIntervalSinceNow < seconds / 10 else { throw ValidationError("it began too late") }
        // For all of them the same, whenever each comes to begin.
        let end = begin + seconds
        while Date.now < end {
            do {
                result.microseconds.append(try microseconds { result.positions.append(try stream.append()) })
            } catch {
                result.failures.append("\(error)")
            }
        }
        try printJSON(result)
    }
}

/// A controller whose second replica is ready and not ready in turn: each change is one event, and changes nothing
/// else, for the first stays ready.
struct Stream {
    private let log: EventLog
    private let controller: ControllerName
    private let replica = ReplicaReference(service: Pretence.service(1), id: 2, generation: 0)
    private var flapping: ReplicaReference
    private var isReady = true

    init(_ log: EventLog, _ controller: ControllerName, services: Int) throws {
        self.log = log
        self.controller = controller
        flapping = replica
        var state = try log.state(of: controller)
        if state.version == 0 {
            // Nobody has a port that another controller's service has: a name gives a range of its own.
            let first = 1_024 + (Int(controller.rawValue.drop { !$0.isNumber }) ?? 0) * 100
            try log.dictate { submit in
                let now = try Clock.now()
                for number in 1...services {
                    state = try submit(
                        Pretence.up(Pretence.service(number), port: UInt16(first + number), replicas: 2), controller,
                        Pretence.author, now)
                }
                while let command = Pretence.next(for: state, at: now.wallMicroseconds) {
                    state = try submit(command, controller, Pretence.author, now)
                }
            }
        }
        guard let second = state.services[replica.service]?.replicas[2] else {
            throw ValidationError("the log is not one that Bench made")
        }
        flapping = second.reference(of: replica.service)
        isReady = second.status == .ready
    }

    /// Returns the position of the event once it is durable.
    @discardableResult
    mutating func append() throws -> Int {
        isReady.toggle()
        let receipt = try log.submit(
            .replicaProbed(flapping, isReady: isReady, evidence: isReady ? "HTTP 200 in 0.8 ms" : "HTTP 503 in 0.9 ms"),
            to: controller, by: Pretence.author)
        guard receipt.events.count == 1 else { throw ValidationError("\(receipt.events.count) events instead of one") }
        return receipt.events[0].position
    }
}

/// 4 KiB written over and synced.
struct BareWrite {
    private let descriptor: CInt
    private let page = [UInt8](repeating: 7, count: 4096)

    init(_ path: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw ValidationError("cannot make \(path)") }
        write()
        fsync(descriptor)
    }

    func write() {
        _ = pwrite(descriptor, page, page.count, 0)
        fdatasync(descriptor)
    }
}
