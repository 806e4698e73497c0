import type { Answer } from '../api-host.ts';
import { requestedDrive } from '../lookup.ts';
import type { World } from '../world.ts';
import { isoTime } from './entry-json.ts';

interface AccountRoutes {
  readonly user: Answer;
  readonly drive: Answer;
  readonly defaultDrive: Answer;
  readonly drives: Answer;
  readonly personalInfo: Answer;
  readonly capacity: Answer;
}

/** Who is signed in, which drives there are, and how full they are. */
export function accountRoutes(world: World): AccountRoutes {
  const { userId, nickName, drives } = world.profile;
  const driveJson = (driveId: string) => ({
    domain_id: 'bj29',
    drive_id: driveId,
    drive_name: driveId === drives.backup ? 'Default' : 'resource',
    description: 'Created by system',
    creator: 'System',
    owner: userId,
    owner_type: 'user',
    drive_type: 'normal',
    status: 'enabled',
    used_size: world.store.usedBytes(driveId),
    total_size: world.settings.totalBytes,
    store_id: 'b5e9',
    relative_path: '',
    encrypt_mode: 'none',
    encrypt_data_access: false,
    created_at: isoTime(world.store.root(driveId).createdAt),
    permission: null,
    subdomain_id: '',
  });
  return {
    user: () => ({
      domain_id: 'bj29',
      user_id: userId,
      avatar: '',
      created_at: world.store.root(drives.backup).createdAt,
      updated_at: world.store.root(drives.backup).updatedAt,
      email: '',
      nick_name: nickName,
      phone: '151***001',
      role: 'user',
      status: 'enabled',
      user_name: '151***001',
      description: '',
      default_drive_id: drives.backup,
      backup_drive_id: drives.backup,
      resource_drive_id: drives.resource,
      user_data: {},
      permission: null,
    }),
    drive: ({ fields }) => driveJson(requestedDrive(world, 'web', fields)),
    defaultDrive: () => driveJson(drives.backup),
    drives: () => ({ items: [driveJson(drives.backup), driveJson(drives.resource)], next_marker: '' }),
    personalInfo: () => ({
      personal_rights_info: {
        spu_id: 'non-vip',
        name: '普通用户',
        is_expires: false,
        privileges: [
          { feature_id: 'download', feature_attr_id: 'speed_limit', quota: -1 },
          { feature_id: 'drive', feature_attr_id: 'size_limit', quota: world.settings.totalBytes },
          { feature_id: 'upload', feature_attr_id: 'size_limit', quota: world.settings.maxFileBytes },
        ],
      },
      personal_space_info: {
        used_size: world.store.usedBytes(drives.backup, drives.resource),
        total_size: world.settings.totalBytes,
      },
    }),
    capacity: () => ({
      drive_used_size: world.store.usedBytes(drives.backup, drives.resource),
      drive_total_size: world.settings.totalBytes,
      default_drive_used_size: world.store.usedBytes(drives.backup),
      backup_drive_used_size: world.store.usedBytes(drives.backup),
      resource_drive_used_size: world.store.usedBytes(drives.resource),
      album_drive_used_size: 0,
      sbox_drive_used_size: 0,
      note_drive_used_size: 0,
      share_album_drive_used_size: 0,
    }),
  };
}
