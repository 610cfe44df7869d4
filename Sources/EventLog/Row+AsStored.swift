import Foundation
import GRDB

/// Values of tables that somebody may have given other kinds since: read as far as they can be, where a cast would end the
/// process before it is told what is wrong.
extension Row {
    func text(_ index: Int) -> String {
        let value: DatabaseValue = self[index]
        return String.fromDatabaseValue(value) ?? Int64.fromDatabaseValue(value).map(String.init) ?? "\(value)"
    }

    func data(_ index: Int) -> Data {
        let value: DatabaseValue = self[index]
        return Data.fromDatabaseValue(value) ?? Data()
    }

    func number(_ index: Int) -> Int {
        let value: DatabaseValue = self[index]
        return Int.fromDatabaseValue(value) ?? 0
    }
}
