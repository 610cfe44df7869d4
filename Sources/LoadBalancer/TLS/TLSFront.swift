import Glibc
import Logging
import NIOSSL
import Synchronization

/// What a load balancer speaks with its clients.
public enum FrontProtocol: Hashable, Sendable {
    case http
    /// HTTPS with the pair in these files, as they are at any time.
    case https(TLSPairFiles)
    /// Nobody could tell so far. Clients are turned away: what is meant to be encrypted must not be taken in the clear.
    case unknown
}

/// Keeps the pair that new connections are made with.
///
/// The files may change at any time, and one before the other. A pair is taken in the moment that it fits, and what does
/// not fit is told once, when it has stayed so from one look to the next; until then, and from then on, the last good
/// pair is used. Connections that exist keep the pair that they were made with.
final class TLSFront: Sendable {
    /// How a connection that is accepted now begins.
    enum Beginning: Sendable {
        case plain
        case handshake(NIOSSLContext)
        /// Not at all.
        case none
    }

    private struct State {
        var spoken = FrontProtocol.http
        var pair: TLSPair?
        /// What was seen of the files at the last look.
        var seen: Stamps?
        /// What could not be used, and why, until it has been told or changes.
        var untold: (stamps: Stamps, problem: TLSPairProblem)?
    }

    private let state = Mutex(State())
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    var beginning: Beginning {
        state.withLock { state in
            switch state.spoken {
            case .http: .plain
            case .https: state.pair.map { .handshake($0.context) } ?? .none
            case .unknown: .none
            }
        }
    }

    /// Whether it is to speak HTTPS and has nothing to speak it with.
    var lacksPair: Bool {
        state.withLock { state in
            if case .https = state.spoken { state.pair == nil } else { false }
        }
    }

    /// Speaks `spoken` with whoever connects from now on.
    func speak(_ spoken: FrontProtocol) {
        state.withLock { state in
            guard spoken != state.spoken else { return }
            guard case .https(let files) = spoken else {
                state = State(spoken: spoken)
                return
            }
            // Should the new pair not fit, clients are better off with the one before it than with none.
            state = State(spoken: spoken, pair: state.pair)
            read(files, &state)
            tell(&state)
        }
    }

    /// Takes the files anew if they have changed since the last look.
    func look() {
        state.withLock { state in
            guard case .https(let files) = state.spoken else { return }
            let stamps = Stamps(files)
            if stamps == state.seen {
                if state.untold?.stamps == stamps { tell(&state) }
            } else {
                read(files, &state)
            }
        }
    }

    private func read(_ files: TLSPairFiles, _ state: inout State) {
        do throws(TLSPairProblem) {
            let pair = try TLSPair(files)
            state.pair = pair
            state.seen = pair.stamps
            state.untold = nil
            logger.info(
                "the certificate in \(files.certificateFile) is used, valid until \(Self.time(pair.notAfterSeconds))")
        } catch {
            let stamps = Stamps(files)
            state.seen = stamps
            state.untold = (stamps, error)
        }
    }

    private func tell(_ state: inout State) {
        guard let problem = state.untold?.problem else { return }
        state.untold = nil
        let instead = state.pair == nil ? "no connection is accepted until it can" : "going on with the pair before it"
        logger.error("TLS cannot be spoken: \(problem.message); \(instead)")
    }

    private static func time(_ seconds: Int) -> String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y-%m-%d %H:%M UTC", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
