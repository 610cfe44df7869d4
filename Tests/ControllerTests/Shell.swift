import Foundation

/// Runs commands of bash, and returns what they print and how they ended.
func shell(_ commands: String, in folder: String = "/") -> (output: String, code: CInt) {
    let input = "cd '\(folder)' && exec bash -s 2>&1 <<'END OF COMMANDS'\n\(commands)\nEND OF COMMANDS\n"
    guard let pipe = popen(input, "r") else { return ("", -1) }
    var bytes: [UInt8] = []
    while case let byte = fgetc(pipe), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
    return (String(decoding: bytes, as: UTF8.self), pclose(pipe))
}
