/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * NVM Express on the wire: what a host and a controller agree on.
 *
 * Read by the driver (enclave/nvme) and by the software controller
 * (host/nvmed), hence in abi/. Section and figure numbers are of the NVM Express
 * Base Specification 2.0c ("2.0") and of 1.4c ("1.4") where they moved. All fields
 * are little endian, as is every machine that we build for.
 */
#ifndef ABI_NVME_SPEC_H
#define ABI_NVME_SPEC_H

#include "abi/types.h"

/* Controller properties, 2.0 3.1.3 (1.4 3.1: controller registers) */
#define NVME_REG_CAP 0x00u /* u64, controller capabilities */
#define NVME_REG_VS 0x08u /* u32, version */
#define NVME_REG_INTMS 0x0cu /* u32, interrupt mask set: unused, we poll */
#define NVME_REG_CC 0x14u /* u32, controller configuration */
#define NVME_REG_CSTS 0x1cu /* u32, controller status */
#define NVME_REG_AQA 0x24u /* u32, admin queue attributes */
#define NVME_REG_ASQ 0x28u /* u64, admin submission queue base */
#define NVME_REG_ACQ 0x30u /* u64, admin completion queue base */
#define NVME_REG_DOORBELLS 0x1000u /* 2.0 PCIe transport 3.1.2 */

/* CAP, 2.0 figure 36 */
#define NVME_CAP_MQES(cap) ((u32)(cap)&0xffffu) /* entries - 1 */
#define NVME_CAP_CQR (1ull << 16) /* contiguous queues required */
#define NVME_CAP_TO(cap) ((u32)((cap) >> 24) & 0xffu) /* in 500 ms */
#define NVME_CAP_DSTRD(cap) ((u32)((cap) >> 32) & 0xfu) /* stride 4 << n bytes */
#define NVME_CAP_CSS_NVM (1ull << 37) /* NVM command set */
#define NVME_CAP_MPSMIN(cap) ((u32)((cap) >> 48) & 0xfu) /* 4096 << n bytes */
#define NVME_CAP_MPSMAX(cap) ((u32)((cap) >> 52) & 0xfu)
#define NVME_CAP_TO_UNIT_MS 500u

/* CC, 2.0 figure 46 */
#define NVME_CC_EN (1u << 0)
#define NVME_CC_CSS(cc) ((cc) >> 4 & 7u) /* 0: NVM command set */
#define NVME_CC_MPS(cc) ((cc) >> 7 & 0xfu) /* 0: 4 KiB pages */
#define NVME_CC_SHN_MASK (3u << 14)
#define NVME_CC_SHN_NORMAL (1u << 14)
#define NVME_CC_IOSQES_64 (6u << 16)
#define NVME_CC_IOCQES_16 (4u << 20)
#define NVME_CC_IOSQES(cc) ((cc) >> 16 & 0xfu)
#define NVME_CC_IOCQES(cc) ((cc) >> 20 & 0xfu)

/* CSTS, 2.0 figure 47 */
#define NVME_CSTS_RDY (1u << 0)
#define NVME_CSTS_CFS (1u << 1) /* controller fatal status */
#define NVME_CSTS_SHST_MASK (3u << 2)
#define NVME_CSTS_SHST_DONE (2u << 2)

#define NVME_PAGE_SHIFT 12
#define NVME_PAGE_SIZE 4096u
#define NVME_SQE_SIZE 64u
#define NVME_CQE_SIZE 16u
#define NVME_VERSION(major, minor) ((u32)(major) << 16 | (u32)(minor) << 8)

/* Admin command opcodes, 2.0 figure 138 */
enum nvme_admin_opcode {
	NVME_ADMIN_DELETE_SQ = 0x00,
	NVME_ADMIN_CREATE_SQ = 0x01,
	NVME_ADMIN_GET_LOG = 0x02,
	NVME_ADMIN_DELETE_CQ = 0x04,
	NVME_ADMIN_CREATE_CQ = 0x05,
	NVME_ADMIN_IDENTIFY = 0x06,
	NVME_ADMIN_ABORT = 0x08,
	NVME_ADMIN_SET_FEATURES = 0x09,
	NVME_ADMIN_GET_FEATURES = 0x0a,
	NVME_ADMIN_ASYNC_EVENT = 0x0c,
};

/* I/O command opcodes, NVM command set 1.0 figure 15 (1.4 figure 347) */
enum nvme_io_opcode {
	NVME_IO_FLUSH = 0x00,
	NVME_IO_WRITE = 0x01,
	NVME_IO_READ = 0x02,
	NVME_IO_WRITE_ZEROES = 0x08,
	NVME_IO_DSM = 0x09,
};

/* Status: code type << 8 | code, without phase, CRD, More and DNR; 2.0 3.3.3.2.1, figures 94-98 */
enum nvme_status {
	NVME_SC_SUCCESS = 0x000,
	NVME_SC_INVALID_OPCODE = 0x001,
	NVME_SC_INVALID_FIELD = 0x002,
	NVME_SC_DATA_TRANSFER = 0x004,
	NVME_SC_POWER_LOSS = 0x005,
	NVME_SC_INTERNAL = 0x006,
	NVME_SC_ABORT_REQUESTED = 0x007,
	NVME_SC_ABORT_SQ_DELETED = 0x008,
	NVME_SC_INVALID_NS = 0x00b,
	NVME_SC_PRP_OFFSET = 0x013,
	NVME_SC_NS_WRITE_PROTECTED = 0x020,
	NVME_SC_LBA_RANGE = 0x080,
	NVME_SC_CAPACITY = 0x081,
	NVME_SC_NS_NOT_READY = 0x082,
	NVME_SC_CQ_INVALID = 0x100,
	NVME_SC_QID_INVALID = 0x101,
	NVME_SC_QSIZE_INVALID = 0x102,
	NVME_SC_AER_LIMIT = 0x105,
	NVME_SC_LOG_PAGE_INVALID = 0x109,
	NVME_SC_Q_DELETION = 0x10c,
	NVME_SC_FEATURE_NOT_SAVEABLE = 0x10d,
	NVME_SC_READ_ONLY_RANGE = 0x182,
	NVME_SC_WRITE_FAULT = 0x280,
	NVME_SC_READ_ERROR = 0x281,
};
#define NVME_STATUS_CODE(dw) ((dw) >> 1 & 0x7ffu) /* of the u16 with the phase bit */
#define NVME_STATUS_DNR (1u << 15) /* do not retry, of the u16 with the phase bit */

/* Submission queue entry, 2.0 figure 87 */
struct nvme_sqe {
	u8 opcode;
	u8 flags; /* FUSE, PSDT: always 0 = PRP */
	u16 cid;
	u32 nsid;
	u32 cdw2;
	u32 cdw3;
	u64 mptr;
	u64 prp1;
	u64 prp2;
	u32 cdw10;
	u32 cdw11;
	u32 cdw12;
	u32 cdw13;
	u32 cdw14;
	u32 cdw15;
};
ABI_SIZE(struct nvme_sqe, 64);
ABI_OFFSET(struct nvme_sqe, prp1, 24);
ABI_OFFSET(struct nvme_sqe, cdw10, 40);

#define NVME_SQE_FUSE_PSDT 0xc3u /* the bits of flags that must be 0 for us */
#define NVME_QUEUE_PC (1u << 0) /* create queue, cdw11: physically contiguous */
#define NVME_RW_FUA (1u << 30) /* read, write, write zeroes: cdw12 */
#define NVME_WZ_DEAC (1u << 25) /* write zeroes, cdw12: deallocate */
#define NVME_DSM_AD (1u << 2) /* dataset management, cdw11: deallocate */
#define NVME_DSM_RANGES_MAX 256u

/* Completion queue entry, 2.0 figures 89-93 */
struct nvme_cqe {
	u32 result;
	u32 reserved;
	u16 sq_head;
	u16 sq_id;
	u16 cid;
	u16 status; /* bit 0: phase */
};
ABI_SIZE(struct nvme_cqe, 16);
ABI_OFFSET(struct nvme_cqe, sq_head, 8);
ABI_OFFSET(struct nvme_cqe, cid, 12);

/* Identify, cdw10, 2.0 figure 273 */
enum nvme_cns {
	NVME_CNS_NS = 0x00,
	NVME_CNS_CTRL = 0x01,
	NVME_CNS_NS_LIST = 0x02,
	NVME_CNS_NS_DESC = 0x03,
};

/* Features, 2.0 figure 317 */
enum nvme_feature {
	NVME_FEAT_VWC = 0x06,
	NVME_FEAT_QUEUES = 0x07,
	NVME_FEAT_ASYNC_EVENT = 0x0b,
};

/* Log pages, 2.0 figure 202 */
enum nvme_log_page {
	NVME_LOG_ERROR = 0x01,
	NVME_LOG_SMART = 0x02,
	NVME_LOG_FIRMWARE = 0x03,
};

/* Identify controller data, 2.0 figure 275; the fields that somebody reads */
struct nvme_id_ctrl {
	u16 vid;
	u16 ssvid;
	u8 sn[20];
	u8 mn[40];
	u8 fr[8];
	u8 rab;
	u8 ieee[3];
	u8 cmic;
	u8 mdts; /* 2^n pages of MPSMIN, 0 = no limit */
	u16 cntlid;
	u32 ver;
	u8 reserved84[27];
	u8 cntrltype; /* 1 = I/O controller */
	u8 reserved112[144];
	u16 oacs;
	u8 acl;
	u8 aerl; /* asynchronous event requests - 1 */
	u8 frmw;
	u8 lpa;
	u8 elpe;
	u8 npss;
	u8 reserved264[248];
	u8 sqes; /* low nibble: smallest, high: largest, as a power of two */
	u8 cqes;
	u16 maxcmd;
	u32 nn; /* highest namespace id */
	u16 oncs;
	u16 fuses;
	u8 fna;
	u8 vwc; /* bit 0: a volatile write cache is present */
	u16 awun;
	u16 awupf;
	u8 reserved530[6];
	u32 sgls;
	u8 reserved540[228];
	u8 subnqn[256];
	u8 reserved1024[3072];
};
ABI_SIZE(struct nvme_id_ctrl, 4096);
ABI_OFFSET(struct nvme_id_ctrl, mdts, 77);
ABI_OFFSET(struct nvme_id_ctrl, cntrltype, 111);
ABI_OFFSET(struct nvme_id_ctrl, oacs, 256);
ABI_OFFSET(struct nvme_id_ctrl, sqes, 512);
ABI_OFFSET(struct nvme_id_ctrl, nn, 516);
ABI_OFFSET(struct nvme_id_ctrl, vwc, 525);
ABI_OFFSET(struct nvme_id_ctrl, sgls, 536);
ABI_OFFSET(struct nvme_id_ctrl, subnqn, 768);

#define NVME_ONCS_DSM (1u << 2)
#define NVME_ONCS_WRITE_ZEROES (1u << 3)
#define NVME_VWC_PRESENT (1u << 0)

/* LBA format, NVM command set figure 98 (1.4 figure 250) */
struct nvme_lbaf {
	u16 ms; /* metadata bytes per block */
	u8 lbads; /* block size as a power of two */
	u8 rp;
};
ABI_SIZE(struct nvme_lbaf, 4);

/* Identify namespace data, NVM command set figure 97 (1.4 figure 249) */
struct nvme_id_ns {
	u64 nsze; /* blocks */
	u64 ncap;
	u64 nuse;
	u8 nsfeat;
	u8 nlbaf; /* formats - 1 */
	u8 flbas; /* bits 3:0: the format in use */
	u8 mc;
	u8 dpc;
	u8 dps;
	u8 nmic;
	u8 rescap;
	u8 fpi;
	u8 dlfeat; /* bits 2:0 = 1: deallocated blocks read as zeroes */
	u8 reserved34[65];
	u8 nsattr; /* bit 0: write protected */
	u8 reserved100[4];
	u8 nguid[16];
	u8 eui64[8];
	struct nvme_lbaf lbaf[16];
	u8 reserved192[3904];
};
ABI_SIZE(struct nvme_id_ns, 4096);
ABI_OFFSET(struct nvme_id_ns, flbas, 26);
ABI_OFFSET(struct nvme_id_ns, nsattr, 99);
ABI_OFFSET(struct nvme_id_ns, nguid, 104);
ABI_OFFSET(struct nvme_id_ns, lbaf, 128);

#define NVME_NSATTR_WRITE_PROTECTED (1u << 0)

/* Namespace identification descriptor, 2.0 figure 277 */
struct nvme_ns_desc {
	u8 nidt; /* 2 = NGUID, 3 = UUID */
	u8 nidl;
	u8 reserved2[2];
	u8 nid[16];
};
ABI_SIZE(struct nvme_ns_desc, 20);

/* Dataset management range, NVM command set figure 46 (1.4 figure 360) */
struct nvme_dsm_range {
	u32 attributes;
	u32 blocks;
	u64 lba;
};
ABI_SIZE(struct nvme_dsm_range, 16);

#endif
