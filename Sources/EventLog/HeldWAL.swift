import Foundation

/// A second name for the WAL of a damaged log, for as long as what has the log open is ended. Whoever closes a database
/// last removes its WAL when everything in it is said to be copied, and of a database that is damaged the WAL may be all
/// there is. Take it before anything opens the log.
public final class HeldWAL {
    /// Beside the file that a link in the home's place leads to, as SQLite has it.
    private let wal: String
    private let shm: String
    private let held: String
    private var isHeld = false
    private var isNeeded = false

    public init(_ home: Home) throws(LogFailure) {
        let resolved = realpath(home.database, nil)
        defer { free(resolved) }
        let database = resolved.map { String(cString: $0) } ?? home.database
        wal = database + "-wal"
        shm = database + "-shm"
        held = LogFile.freeName(database + ".held") + "-wal"
        isHeld = link(wal, held) == 0
        guard isHeld || errno == ENOENT else { throw LogFailure(HomeFailure(held), path: home.database) }
    }

    /// Puts it back when it was removed. Nothing of dwell may have the log open: the next to open it finds a WAL that
    /// nobody has read, and takes all of it, which makes no difference to a database that has it already.
    func putBack() {
        guard isHeld else { return }
        if link(held, wal) == 0 { unlink(shm) }
        isNeeded = FileIdentity(held) != FileIdentity(wal)
    }

    /// Takes the second name away; one under which alone it is known stays.
    deinit {
        if isHeld, !isNeeded { unlink(held) }
    }
}
