//! The SQLite VFS whose only file is a [`View`]: the one module of the program with unsafe code.
//!
//! SQLite calls these functions with a file object that it allocated and that `open` filled in, and with buffers of the
//! stated length; that is the whole of what they rely on. The `View` belongs to the file object and lives from `open` to
//! `close`. [`File`] is the only other way to it, and needs the connection mutably, so never while SQLite runs.
#![allow(unsafe_code)]

use super::pages::View;
use crate::Fault;
use rusqlite::{Connection, OpenFlags, ffi};
use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

const NAME: &CStr = c"incident-mcp";

/// A connection to a database whose file is a [`View`].
pub struct File {
    connection: Connection,
}

impl File {
    /// Open a connection on that view.
    pub fn open(view: View) -> Result<File, Fault> {
        register()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        OPENING.set(Some(view));
        Ok(File { connection: Connection::open_with_flags_and_vfs("episode", flags, NAME)? })
    }

    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The file beneath; no statement may be in progress.
    pub fn view(&mut self) -> Result<&mut View, Fault> {
        let handle = self.handle()?;
        // SAFETY: the file object lives as long as the connection, which is borrowed mutably for as long as the result is; so
        // SQLite, which is reached through the connection alone, does not run meanwhile.
        Ok(unsafe { &mut *(*handle).view })
    }

    /// Make SQLite forget the pages that it has read; the parsed schema and the prepared statements stay.
    pub fn forget_pages(&mut self) -> Result<(), Fault> {
        self.control(ffi::SQLITE_FCNTL_RESET_CACHE, std::ptr::null_mut())
    }

    fn handle(&mut self) -> Result<*mut Handle, Fault> {
        let mut file: *mut ffi::sqlite3_file = std::ptr::null_mut();
        self.control(ffi::SQLITE_FCNTL_FILE_POINTER, (&raw mut file).cast())?;
        if file.is_null() { Err(misuse()) } else { Ok(file.cast()) }
    }

    fn control(&mut self, what: c_int, argument: *mut c_void) -> Result<(), Fault> {
        // SAFETY: an open connection; `argument` is what `what` asks for: a place for a pointer, or nothing.
        let code = unsafe { ffi::sqlite3_file_control(self.connection.handle(), c"main".as_ptr(), what, argument) };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(Fault::SqliteFailure(ffi::Error::new(code), None)) }
    }
}

fn misuse() -> Fault {
    Fault::SqliteFailure(ffi::Error::new(ffi::SQLITE_MISUSE), None)
}

/// SQLite's file object: its own header, then our pointer.
#[repr(C)]
struct Handle {
    base: ffi::sqlite3_file,
    /// From `Box::into_raw` in `open`, given back in `close`.
    view: *mut View,
}

thread_local! {
    /// The view of the file that this thread is about to open: SQLite reads the header while it opens.
    static OPENING: Cell<Option<View>> = const { Cell::new(None) };
}

/// Make the VFS known to SQLite, once a process.
fn register() -> Result<(), Fault> {
    static REGISTERED: OnceLock<c_int> = OnceLock::new();
    let code = *REGISTERED.get_or_init(|| {
        // SAFETY: the system's VFS is valid for ever once SQLite is initialized, and so is ours, which is leaked. It keeps the
        // system's functions for time, sleep and randomness.
        unsafe {
            let code = ffi::sqlite3_initialize();
            let system = ffi::sqlite3_vfs_find(std::ptr::null());
            if code != ffi::SQLITE_OK || system.is_null() {
                return ffi::SQLITE_ERROR;
            }
            let mut vfs = std::ptr::read(system);
            vfs.iVersion = 1;
            vfs.szOsFile = size_of::<Handle>() as c_int;
            vfs.pNext = std::ptr::null_mut();
            vfs.zName = NAME.as_ptr();
            vfs.pAppData = std::ptr::null_mut();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            vfs.xAccess = Some(access);
            vfs.xFullPathname = Some(full_pathname);
            ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 0)
        }
    });
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(Fault::SqliteFailure(ffi::Error::new(code), None)) }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(lock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// SAFETY: `file` is a file object that `open` filled in, and nothing else refers to its view now.
unsafe fn view<'a>(file: *mut ffi::sqlite3_file) -> &'a mut View {
    unsafe { &mut *(*file.cast::<Handle>()).view }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    _: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    _: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives room for `szOsFile` bytes.
    unsafe {
        (*file).pMethods = std::ptr::null();
        // Journals and temporary tables are kept in memory.
        let main = flags & ffi::SQLITE_OPEN_MAIN_DB != 0;
        let Some(view) = OPENING.take().filter(|_| main) else { return ffi::SQLITE_CANTOPEN };
        (*file.cast::<Handle>()).view = Box::into_raw(Box::new(view));
        (*file).pMethods = &METHODS;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once, and uses it no more.
    unsafe {
        drop(Box::from_raw((*file.cast::<Handle>()).view));
        (*file).pMethods = std::ptr::null();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, out: *mut c_void, len: c_int, offset: i64) -> c_int {
    let (Ok(len), Ok(offset)) = (usize::try_from(len), usize::try_from(offset)) else { return ffi::SQLITE_IOERR_READ };
    // SAFETY: `out` has room for `len` bytes.
    let (view, out) = unsafe { (view(file), std::slice::from_raw_parts_mut(out.cast(), len)) };
    if view.read(offset, out) { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_SHORT_READ }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, data: *const c_void, len: c_int, offset: i64) -> c_int {
    let (Ok(len), Ok(offset)) = (usize::try_from(len), usize::try_from(offset)) else { return ffi::SQLITE_IOERR_WRITE };
    // SAFETY: `data` holds `len` bytes.
    let (view, data) = unsafe { (view(file), std::slice::from_raw_parts(data.cast(), len)) };
    if view.write(offset, data) { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_WRITE }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let Ok(size) = usize::try_from(size) else { return ffi::SQLITE_IOERR_TRUNCATE };
    // SAFETY: as for `view`.
    if unsafe { view(file).truncate(size) } { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_TRUNCATE }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut i64) -> c_int {
    // SAFETY: as for `view`; `out` is a place for the answer.
    unsafe { *out = view(file).size() as i64 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn sync(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

// One connection a file: there is nobody to lock out.
unsafe extern "C" fn lock(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(_: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: a place for the answer.
    unsafe { *out = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    512
}

unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_ATOMIC
        | ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
        | ffi::SQLITE_IOCAP_SAFE_APPEND
        | ffi::SQLITE_IOCAP_SEQUENTIAL
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, _: *const c_char, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, _: *const c_char, _: c_int, out: *mut c_int) -> c_int {
    // SAFETY: a place for the answer. No other file exists.
    unsafe { *out = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    len: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: `name` ends in NUL, and `out` has room for `len` bytes.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes_with_nul();
        if name.len() > usize::try_from(len).unwrap_or(0) {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(name.as_ptr().cast(), out, name.len());
    }
    ffi::SQLITE_OK
}
