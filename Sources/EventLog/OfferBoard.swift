import CLinux
import Foundation

/// Where offers of those who wait are found by whoever has the turn, and its answers by them: in the file of the line, each
/// at the place of its number. What is there is read and written as a file is, and never mapped: to cut it short is the end
/// of no process.
///
/// The file, whose bytes' locks are those of the numbers and have nothing to do with what lies there:
///
///     0        the number that was taken last (``WritersTurn``)
///     8        the number of whoever writes what others offer, or will do so next
///     4,096    answers, 96 bytes for each place
///     16,384   offers, 8,192 bytes for each place
struct OfferBoard: Sendable {
    /// So many numbers behind its own, whoever has the turn looks at.
    static let places: Int64 = 128
    private static let writer: off_t = 8
    private static let answers: off_t = 4_096
    private static let offers: off_t = 16_384
    private static let offerSize = 8_192
    /// Of three words: the number, how many bytes, and their sum.
    private static let headerSize = 24
    private static let answerSize = 72
    private static let answerStride: off_t = 96

    let descriptor: CInt

    /// The number of whoever writes what those behind it offer, or will do so next.
    var writer: Int64? {
        var number: Int64 = 0
        return pread(descriptor, &number, 8, Self.writer) == 8 ? number : nil
    }

    func setWriter(_ number: Int64) {
        var number = number
        _ = pwrite(descriptor, &number, 8, Self.writer)
    }

    /// Makes an offer known.
    ///
    /// - Returns: what tells its answer from every other; nil when it has no place, for it is large.
    func post(_ offer: [UInt8], number: Int64) -> UInt64? {
        guard Self.headerSize + offer.count <= Self.offerSize else { return nil }
        let sum = offer.withUnsafeBytes { Self.sum($0, number) }
        let bytes = [UInt64(bitPattern: number), UInt64(offer.count), sum].withUnsafeBytes { Array($0) } + offer
        return pwrite(descriptor, bytes, bytes.count, Self.place(of: number)) == bytes.count ? sum : nil
    }

    /// Takes an offer back. Somebody may be writing it already.
    func withdraw(number: Int64) {
        var none: Int64 = 0
        _ = pwrite(descriptor, &none, 8, Self.place(of: number))
    }

    /// What somebody who waits with this number has offered.
    func offer(number: Int64) -> PostedOffer? {
        withUnsafeTemporaryAllocation(byteCount: Self.offerSize, alignment: 8) { bytes in
            let read = pread(descriptor, bytes.baseAddress, Self.offerSize, Self.place(of: number))
            guard read >= Self.headerSize, bytes.load(as: Int64.self) == number else { return nil }
            let count = bytes.load(fromByteOffset: 8, as: UInt64.self)
            guard count <= UInt64(read - Self.headerSize) else { return nil }
            let offer = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(Self.headerSize).prefix(Int(count)))
            let sum = Self.sum(offer, number)
            guard bytes.load(fromByteOffset: 16, as: UInt64.self) == sum, isHeld(number) else { return nil }
            return PostedOffer(number: number, bytes: Array(offer), token: sum)
        }
    }

    /// Whoever has gone, or has its turn by now, wants nothing.
    private func isHeld(_ number: Int64) -> Bool { clinux_is_byte_locked(descriptor, number) }

    /// Makes an answer known to whoever made the offer.
    func post(_ answer: OfferAnswer, to offer: PostedOffer) {
        var bytes = [UInt64(bitPattern: offer.number), offer.token].withUnsafeBytes { Array($0) }
        bytes += [answer.firstPosition, answer.count].withUnsafeBytes { Array($0) }
        bytes += answer.digest.bytes
        let sum = bytes.withUnsafeBytes { Self.sum($0, offer.number) }
        withUnsafeBytes(of: sum) { bytes.append(contentsOf: $0) }
        _ = pwrite(descriptor, bytes, bytes.count, Self.answerPlace(of: offer.number))
    }

    /// What whoever had the turn has answered; nil when it has not.
    ///
    /// - Parameter token: what ``post(_:number:)`` has returned: numbers come again when the file is cut short, or is the one of
    ///   a while ago since the power failed.
    func answer(number: Int64, to token: UInt64) -> OfferAnswer? {
        let size = Self.answerSize
        return withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { bytes in
            guard pread(descriptor, bytes.baseAddress, size, Self.answerPlace(of: number)) == size,
                bytes.load(as: Int64.self) == number, bytes.load(fromByteOffset: 8, as: UInt64.self) == token,
                bytes.load(fromByteOffset: size - 8, as: UInt64.self)
                    == Self.sum(UnsafeRawBufferPointer(rebasing: bytes.dropLast(8)), number)
            else { return nil }
            return OfferAnswer(
                firstPosition: bytes.load(fromByteOffset: 16, as: Int.self),
                count: bytes.load(fromByteOffset: 24, as: Int.self), digest: Digest(bytes: Data(bytes[32..<64])))
        }
    }

    private static func place(of number: Int64) -> off_t { offers + off_t(number % places) * off_t(offerSize) }

    private static func answerPlace(of number: Int64) -> off_t { answers + off_t(number % places) * answerStride }

    private static let boot = UInt64((try? Clock.now())?.bootID.filter { $0 != "-" }.prefix(16) ?? "", radix: 16) ?? 0

    /// Tells what was written whole from what was not. It protects from nobody who means it: they can write to the log.
    private static func sum(_ bytes: UnsafeRawBufferPointer, _ number: Int64) -> UInt64 {
        let prime: UInt64 = 0x9E37_79B9_7F4A_7C15
        // What is there from before a reboot is nobody's.
        var sum = (UInt64(bitPattern: number) ^ boot) &* prime ^ UInt64(bytes.count)
        var offset = 0
        while offset + 8 <= bytes.count {
            sum = (sum ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* prime
            sum ^= sum >> 29
            offset += 8
        }
        for byte in bytes[offset...] { sum = (sum ^ UInt64(byte)) &* prime }
        return sum ^ sum >> 32
    }
}

/// An offer as it was found.
struct PostedOffer {
    /// Of whoever waits.
    let number: Int64
    let bytes: [UInt8]
    /// Tells the answer to it from every other.
    let token: UInt64
}
