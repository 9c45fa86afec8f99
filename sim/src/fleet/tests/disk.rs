//! What a disk shows, and what it keeps when the power is lost.

use crate::fleet::disk::{Disk, Loss, Trouble};
use crate::random::{Purpose, Random};

fn dice(seed: u64) -> Random {
    Random::new(seed, Purpose::Disks)
}

fn all(disk: &mut Disk, path: &str) -> Result<Vec<u8>, Trouble> {
    disk.read(path, 0, u32::MAX).map(|(bytes, _)| bytes)
}

fn with_file(path: &str, bytes: &[u8]) -> Disk {
    let mut disk = Disk::default();
    disk.create(path).expect("a file");
    disk.append(path, bytes, &mut dice(0)).expect("room");
    disk.sync(path).expect("a sync");
    disk.sync_dir(path).expect("a sync");
    disk
}

#[test]
fn what_is_synced_stays() {
    for seed in 0..200 {
        let loss = if seed % 2 == 0 { Loss::InOrder } else { Loss::Anyhow };
        let mut disk = with_file("a", b"safe");
        disk.append("a", b" or not", &mut dice(seed)).expect("room");
        assert_eq!(disk.unsynced("a"), 7);
        assert_eq!(all(&mut disk, "a"), Ok(b"safe or not".to_vec()));
        disk.lose_power(loss, &mut dice(seed));
        let left = all(&mut disk, "a").expect("it was synced");
        assert!(left.starts_with(b"safe") && left.len() <= 11, "{left:?}");
        assert_eq!(disk.unsynced("a"), 0);
        disk.lose_power(loss, &mut dice(seed + 1));
        assert_eq!(all(&mut disk, "a"), Ok(left));
    }
}

#[test]
fn in_order_a_beginning_is_left() {
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..300 {
        let mut disk = with_file("a", b"");
        for part in [b"one", b"two", b"six"] {
            disk.append("a", part, &mut dice(seed)).expect("room");
        }
        disk.lose_power(Loss::InOrder, &mut dice(seed));
        let left = all(&mut disk, "a").expect("it was synced");
        assert!(b"onetwosix".starts_with(&left), "{left:?}");
        lengths.insert(left.len());
    }
    assert_eq!(lengths.len(), 10, "any of them");
}

#[test]
fn anyhow_any_sectors_are_left() {
    let (mut holes, mut whole) = (0, 0);
    for seed in 0..300 {
        let mut disk = with_file("a", b"");
        disk.append("a", &[7; 1024], &mut dice(seed)).expect("room");
        disk.append("a", &[8; 512], &mut dice(seed)).expect("room");
        disk.lose_power(Loss::Anyhow, &mut dice(seed));
        let left = all(&mut disk, "a").expect("it was synced");
        for (at, sector) in left.chunks(512).enumerate() {
            let written = if at < 2 { 7 } else { 8 };
            assert!(sector.iter().all(|byte| *byte == sector[0]), "{sector:?}");
            assert!(sector[0] == 0 || sector[0] == written);
            holes += u32::from(sector[0] == 0);
        }
        whole += u32::from(left.len() == 1536 && !left.contains(&0));
    }
    assert!(holes > 50 && whole > 10, "{holes} {whole}");
}

#[test]
fn a_name_is_the_old_file_s_or_the_new_one_s() {
    let mut seen = [0; 2];
    for seed in 0..100 {
        let mut disk = with_file("a", b"old");
        disk.create("temp").expect("a file");
        disk.append("temp", b"new", &mut dice(seed)).expect("room");
        disk.sync("temp").expect("a sync");
        disk.rename("temp", "a").expect("a name");
        assert_eq!(all(&mut disk, "a"), Ok(b"new".to_vec()));
        assert_eq!(all(&mut disk, "temp"), Err(Trouble::NotFound));
        let mut synced = disk.clone();
        let loss = if seed % 2 == 0 { Loss::InOrder } else { Loss::Anyhow };
        disk.lose_power(loss, &mut dice(seed));
        match all(&mut disk, "a").expect("one of them").as_slice() {
            b"old" => seen[0] += 1,
            b"new" => seen[1] += 1,
            other => panic!("{other:?}"),
        }
        synced.sync_dir("a").expect("a sync");
        synced.lose_power(loss, &mut dice(seed));
        assert_eq!(all(&mut synced, "a"), Ok(b"new".to_vec()));
        assert_eq!(all(&mut synced, "temp"), Err(Trouble::NotFound));
    }
    assert!(seen[0] > 10 && seen[1] > 10, "{seen:?}");
}

#[test]
fn an_ailing_disk_says_so_unless_it_lies() {
    let mut disk = with_file("a", b"safe");
    disk.ailment.is_full = true;
    assert_eq!(disk.append("a", &[1; 100], &mut dice(3)), Err(Trouble::Full));
    assert!(all(&mut disk, "a").expect("a file").len() < 104, "some of it may be there");
    disk.ailment.is_full = false;
    disk.truncate("a", 4).expect("a cut");
    disk.append("a", b"gone", &mut dice(3)).expect("room");
    disk.ailment.is_broken = true;
    assert_eq!(disk.sync("a"), Err(Trouble::Broken));
    disk.ailment.is_broken = false;
    assert!(disk.is_doubtful());
    assert_eq!(disk.sync("a"), Ok(()), "the system has forgotten");
    assert_eq!(disk.torn(Loss::InOrder), [(String::from("a"), 4)]);
    assert_eq!(all(&mut disk, "a"), Ok(b"safegone".to_vec()));
    disk.lose_power(Loss::InOrder, &mut dice(3));
    assert_eq!(all(&mut disk, "a"), Ok(b"safe".to_vec()));
    disk.ailment.lies = true;
    disk.append("a", &[1; 50_000], &mut dice(3)).expect("room");
    assert_eq!(disk.sync("a"), Ok(()));
    assert_eq!(disk.unsynced("a"), 50_000);
}

#[test]
fn directories_are_synced_for_themselves() {
    let mut disk = with_file("dir/a", b"1");
    disk.create("b").expect("a file");
    disk.remove("dir/a").expect("it is there");
    disk.sync_dir("dir/x").expect("a sync");
    let mut lost = 0;
    for seed in 0..50 {
        let mut disk = disk.clone();
        disk.lose_power(Loss::InOrder, &mut dice(seed));
        assert_eq!(all(&mut disk, "dir/a"), Err(Trouble::NotFound));
        lost += u32::from(all(&mut disk, "b").is_err());
    }
    assert!((5..45).contains(&lost), "{lost}");
}
