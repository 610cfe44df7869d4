import Foundation
import GRDB
import Lifecycle

extension Command {
    /// Whether it is decided by more than the stream of its controller; see ``EventLog/portsTaken(besides:for:_:)``.
    var looksElsewhere: Bool {
        if case .up = self { true } else { false }
    }
}

extension EventLog {
    /// Ports that services of other controllers hold where an `up` wants one, of those that it may choose. Nothing else
    /// chooses a port, so nothing else needs to know.
    func portsTaken(besides controller: ControllerName, for command: Command, _ db: Database) throws -> Set<
        UInt16
    > {
        guard case .up(let up) = command, let least = up.candidatePorts.min(), let greatest = up.candidatePorts.max()
        else { return [] }
        // By way of the index of endpoints, one host after the other: services elsewhere may be many, hosts are few.
        return Set(
            try Int.fetchAll(
                db.cachedStatement(
                    sql: """
                        WITH RECURSIVE hosts(host) AS (
                            SELECT min(host) FROM services
                            UNION ALL
                            SELECT (SELECT min(host) FROM services AS next WHERE next.host > hosts.host)
                            FROM hosts WHERE hosts.host IS NOT NULL)
                        SELECT port FROM hosts CROSS JOIN services USING (host)
                        WHERE port BETWEEN ?1 AND ?2 AND controller <> ?3 AND (?5 OR host IN (?4, '0.0.0.0', '::'))
                        """),
                arguments: [
                    Int(least), Int(greatest), controller.rawValue, up.host, !Self.isOneAddress(up.host),
                ]
            ).compactMap { UInt16(exactly: $0) })
    }

    /// Whether the host is one address of the machine, so that others may have the same port.
    private static func isOneAddress(_ host: String) -> Bool {
        guard host != "0.0.0.0", host != "::" else { return false }
        var address = in6_addr()
        return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
    }
}
